//! Programs of toy jobs: one request an op.

/// One request of a toy job, and what the job does with the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Looks at the lock flag; the job ends with exit code 0 if it is set.
    SkipIfLocked,
    /// Sets the lock flag, whether or not it is set.
    TakeFlag,
    /// Sets the lock flag in one request; the job ends with exit code 0 if it was set.
    TakeFlagOrSkip,
    /// Sets the lock flag in one request; asks again if it was set.
    TakeFlagOrPoll,
    /// Resets the lock flag.
    FreeFlag,
    /// Takes the lease, which ends by itself; the job ends with exit code 0 if another has it.
    TakeLeaseOrSkip,
    /// Gives the lease back, if the job has it still.
    FreeLease,
    /// Ends the job with exit code 0 if its own clock says that its lease is over.
    LeaveIfLate,
    /// Takes the session lock; blocks in the service while another session has it.
    LockSession,
    /// Takes the session lock; asks again if another session has it.
    PollSession,
    /// Takes the session lock; the job ends with exit code 0 if another session has it.
    TrySession,
    /// Gives the session lock back.
    UnlockSession,
    /// Begins a transaction: what is written shows when it is committed.
    Begin,
    /// Commits.
    Commit,
    /// Looks whether the work is done; the job ends with exit code 0 if so.
    SkipIfDone,
    /// Notes that the work is done.
    MarkDone,
    /// Reads a member's balance into the job.
    Read(u8),
    /// Writes the balance that was read, and 1000.
    WriteBack(u8),
    /// Adds 1000 to a member's balance, in one request.
    Add(u8),
    /// Adds 1000 and marks the member as granted, where it is not yet.
    Grant(u8),
    /// Adds a row with a key made by the service to the ledger.
    Log(u8),
    /// Adds 1000 to a member's balance, where the member is in the worker's share.
    AddOwn(u8),
    /// The same, and marks the member as granted, where it is not yet.
    GrantOwn(u8),
    /// Sends a member a mail.
    Mail(u8),
    /// Looks at something else in every run.
    Wander,
}

impl Op {
    /// Returns the service asked and the masked text of the request.
    pub fn request(self) -> (&'static str, &'static str) {
        let text = match self {
            Op::SkipIfLocked => "SELECT held FROM locks WHERE name = ?",
            Op::TakeFlag => "UPDATE locks SET held = ? WHERE name = ?",
            Op::TakeFlagOrSkip | Op::TakeFlagOrPoll => {
                "UPDATE locks SET held = ? WHERE name = ? AND NOT held"
            }
            Op::FreeFlag => "UPDATE locks SET held = ? WHERE name = ? -- free",
            Op::TakeLeaseOrSkip => "SET lock:points ? NX PX ?",
            Op::FreeLease => "EVALSHA a5260dd6 1 lock:points ?",
            Op::LeaveIfLate => "PING",
            Op::LockSession => "SELECT pg_advisory_lock(?)",
            Op::PollSession | Op::TrySession => "SELECT pg_try_advisory_lock(?)",
            Op::UnlockSession => "SELECT pg_advisory_unlock(?)",
            Op::Begin => "BEGIN",
            Op::Commit => "COMMIT",
            Op::SkipIfDone => "SELECT count(*) FROM runs WHERE day = ?",
            Op::MarkDone => "INSERT INTO runs (day, host) VALUES (?, ?)",
            Op::Read(_) => "SELECT balance FROM members WHERE id = ?",
            Op::WriteBack(_) => "UPDATE members SET balance = ? WHERE id = ?",
            Op::Add(_) => "UPDATE members SET balance = balance + ? WHERE id = ?",
            Op::Grant(_) => {
                "UPDATE members SET balance = balance + ?, granted = ? WHERE id = ? AND granted = ?"
            }
            Op::Log(_) => "INSERT INTO ledger (member, delta) VALUES (?, ?)",
            Op::AddOwn(_) => "UPDATE members SET balance = balance + ? WHERE id = ? AND id % ? = ?",
            Op::GrantOwn(_) => {
                "UPDATE members SET balance = balance + ?, granted = ? WHERE id = ? AND id % ? = ? AND granted = ?"
            }
            Op::Mail(_) => "DATA",
            Op::Wander => "SELECT name FROM members LIMIT ?",
        };
        let service = match self {
            Op::Mail(_) => "mail",
            Op::TakeLeaseOrSkip | Op::FreeLease | Op::LeaveIfLate => "redis",
            _ => "pg",
        };
        (service, text)
    }
}
