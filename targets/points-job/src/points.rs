//! Members, balances and the ledger, in SQLite.

use rusqlite::{Connection, OpenFlags, Row, TransactionBehavior};
use std::path::Path;
use std::time::Duration;

/// What each eligible member gets a night.
const POINTS: i64 = 1000;

/// Longest wait for another process that writes the file: a trial that holds that one waits so long
/// in real time.
const BUSY_WAIT: Duration = Duration::from_millis(100);

/// Who gets points.
pub(crate) struct Member {
    pub(crate) id: i64,
    pub(crate) mail: String,
}

/// Whose grant may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Whoever asks: the points are added to what is there.
    Any,
    /// Only the first of the day: the transaction that grants them also marks the member.
    Unclaimed,
}

/// The open file.
pub(crate) struct Points {
    file: Connection,
}

/// Makes the file that the first night begins with.
pub(crate) fn init(path: &Path) -> rusqlite::Result<()> {
    Connection::open(path)?.execute_batch(include_str!("../schema.sql"))
}

impl Points {
    /// Opens the file, which must be there.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let file = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        file.busy_timeout(BUSY_WAIT)?;
        Ok(Self { file })
    }

    /// Returns the members who are owed the day's points.
    pub(crate) fn eligible(&self, day: &str) -> rusqlite::Result<Vec<Member>> {
        self.members(
            "SELECT id, mail FROM members WHERE eligible AND granted_on IS NOT ?1 ORDER BY id",
            day,
        )
    }

    /// Returns the members whose points are in the ledger, but who were not told yet.
    pub(crate) fn unmailed(&self, day: &str) -> rusqlite::Result<Vec<Member>> {
        self.members(
            "SELECT id, mail FROM ledger JOIN members ON id = member_id \
             WHERE day = ?1 AND NOT mailed ORDER BY id",
            day,
        )
    }

    /// Adds the points, and a line in the ledger, in one transaction.
    pub(crate) fn grant(
        &mut self,
        member: &Member,
        day: &str,
        claim: Claim,
    ) -> rusqlite::Result<()> {
        let update = match claim {
            Claim::Any => {
                "UPDATE members SET balance = balance + ?3, granted_on = ?2 WHERE id = ?1"
            }
            Claim::Unclaimed => {
                "UPDATE members SET balance = balance + ?3, granted_on = ?2 \
                 WHERE id = ?1 AND granted_on IS NOT ?2"
            }
        };
        let insert = "INSERT INTO ledger (member_id, day, points, mailed) VALUES (?1, ?2, ?3, ?4)";
        let immediate = TransactionBehavior::Immediate;
        let transaction = self.file.transaction_with_behavior(immediate)?;
        if transaction.execute(update, (member.id, day, POINTS))? == 1 {
            let mailed = claim == Claim::Any;
            transaction.execute(insert, (member.id, day, POINTS, mailed))?;
        }
        transaction.commit()
    }

    /// Notes that the member was told.
    pub(crate) fn set_mailed(&self, member: &Member, day: &str) -> rusqlite::Result<()> {
        let update = "UPDATE ledger SET mailed = 1 WHERE member_id = ?1 AND day = ?2";
        self.file.execute(update, (member.id, day)).map(drop)
    }

    fn members(&self, select: &str, day: &str) -> rusqlite::Result<Vec<Member>> {
        let member = |row: &Row<'_>| {
            Ok(Member {
                id: row.get(0)?,
                mail: row.get(1)?,
            })
        };
        let mut statement = self.file.prepare(select)?;
        let members = statement.query_map([day], member)?;
        members.collect()
    }
}
