//! The stable codes, with the page of each.

/// A code that a verdict, a doubt or an error can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// The code.
    pub name: &'static str,
    /// The sentence that stands beside it.
    pub sentence: &'static str,
    /// What it means.
    pub what: &'static str,
    /// What to do next.
    pub next: &'static str,
}

/// Every code. None is reused or translated.
pub const CODES: &[Code] = &[
    Code {
        name: "TP-V01",
        sentence: "state differs from a clean run",
        what: "The state at the end of the trial equals neither that of one clean run nor any \
               that the contract accepts beside it.",
        next: "Read the difference and the two questions of the finding; replay it. A column \
               that may differ belongs in `mask` of the target file.",
    },
    Code {
        name: "TP-V02",
        sentence: "an invariant is broken",
        what: "A query of the scenario that must return no rows, or some, did otherwise.",
        next: "Run the query on the state of the finding; the writes to its tables are named.",
    },
    Code {
        name: "TP-V03",
        sentence: "a status transition is not allowed",
        what: "A column went from one value to another that the scenario does not list.",
        next: "Guard the change: the old status in the WHERE of the same statement.",
    },
    Code {
        name: "TP-V04",
        sentence: "an effect happened twice",
        what: "A mail or a call with one key came more than once.",
        next: "Send it from an outbox after the commit, with a key that is the same each time.",
    },
    Code {
        name: "TP-V05",
        sentence: "critical sections overlapped",
        what: "Two instances wrote while each believed that it held one declared lock. By luck \
               the state may still be right.",
        next: "See what took the lock from the first: the L code of the finding.",
    },
    Code {
        name: "TP-V06",
        sentence: "the run is lost: calm runs do not reach the clean state",
        what: "After a crash, two calm runs in a row did not do the work that is owed.",
        next: "Look for what the crash left behind, such as a lock that every later run obeys.",
    },
    Code {
        name: "TP-V07",
        sentence: "an exit code is not allowed",
        what: "An instance ended with another code than the clean run or the scenario allows.",
        next: "Read its output in the finding's folder.",
    },
    Code {
        name: "TP-V08",
        sentence: "no progress",
        what: "A run used up its time, or runs waited for each other in a cycle and work was lost.",
        next: "Bound every wait, and retry a victim of a deadlock a bounded number of times.",
    },
    Code {
        name: "TP-I01",
        sentence: "the budget cut an obligation short",
        what: "A part of the search that a pass owes did not run, or a bound ended a trial.",
        next: "Give more time with `--budget` or `search.budget`, or ask for fewer stages.",
    },
    Code {
        name: "TP-I02",
        sentence: "a fault had no effect",
        what: "A fault was injected and struck nothing, so the trial did not test what it says.",
        next: "Move its moment, or remove it.",
    },
    Code {
        name: "TP-I03",
        sentence: "a replay left its schedule",
        what: "A step of the schedule was not on offer: the job or its data differ from when it \
               was written.",
        next: "Compare the step named with the job; run the search again for a new schedule.",
    },
    Code {
        name: "TP-I04",
        sentence: "steps were needed on a link that cannot be read",
        what: "A connection is encrypted or speaks a protocol that is not known, so nothing on \
               it can be held.",
        next: "Let the job connect without encryption, or declare the right kind of service.",
    },
    Code {
        name: "TP-I05",
        sentence: "whether an instance was quiet could only be guessed",
        what: "The job has threads or connections that cannot be observed, so the order of steps \
               is best effort.",
        next: "Treat a pass as a sample. Fewer threads make it exact.",
    },
    Code {
        name: "TP-I06",
        sentence: "a service did not answer the query of a check",
        what: "The query of an invariant failed on the state at the end of the trial: a table is \
               gone, a number was divided by zero, or it took too long.",
        next: "Read the service's words, and make the query hold for every state that it can meet.",
    },
    Code {
        name: "TP-I07",
        sentence: "requests were taken not to depend on their order, and do",
        what: "Of orders that should end alike one is run. One that was left out ended otherwise: \
               a request touches more than its text and the schema say.",
        next: "Report the two requests named; it is a bug of ours. The orders that ran stand.",
    },
    Code {
        name: "TP-S01",
        sentence: "syntax",
        what: "The file cannot be read as what it should be.",
        next: "The place and the expected form stand in the message.",
    },
    Code {
        name: "TP-S02",
        sentence: "type",
        what: "A value has the wrong type or is out of bounds.",
        next: "The place and what is allowed stand in the message.",
    },
    Code {
        name: "TP-S03",
        sentence: "unknown key",
        what: "A key that no file of this kind has.",
        next: "The message names the keys there are, and the nearest one.",
    },
    Code {
        name: "TP-S04",
        sentence: "missing key",
        what: "A key that must be there is not.",
        next: "Add it; the message says where.",
    },
    Code {
        name: "TP-S05",
        sentence: "unknown kind",
        what: "A `kind` that no registry has.",
        next: "`twiceproof list` prints the kinds.",
    },
    Code {
        name: "TP-S06",
        sentence: "unknown name",
        what: "A name of a target, service or instance that is not there.",
        next: "The message names those there are.",
    },
    Code {
        name: "TP-S07",
        sentence: "a moment matches nothing",
        what: "No request of the clean run is the one that a moment names.",
        next: "`twiceproof record` prints the moments of the clean run.",
    },
    Code {
        name: "TP-S08",
        sentence: "not on this backend",
        what: "The backend, or no service of the target, can do what the file asks for.",
        next: "The message names those that can: choose another with `--backend`, or another service.",
    },
    Code {
        name: "TP-E",
        sentence: "environment",
        what: "A service, an image, the backend or a check of ours failed; it says nothing about \
               the job.",
        next: "The message says what was tried.",
    },
];

/// Returns the sentence of a code; empty for one that is not ours.
pub fn sentence(code: &str) -> &'static str {
    let found = CODES.iter().find(|known| known.name == code);
    found.map_or("", |known| known.sentence)
}
