//! The re-read of an unknown outcome is taken out, and a test of the whole server must notice.

use safelight::domain::faults::Mechanism;

use crate::harness::Options;
use crate::jobs::Job;
use crate::mutation::assert_noticed;

#[test]
fn a_commit_in_doubt_that_happened_is_acknowledged() {
    // A claim in doubt is in no hand: its lease decides.
    let server = Options::new().set("tasks.heartbeat", "100ms").set("tasks.lease", "500ms").start();
    // The insert, then the claim, then the finish; several times, because the claim of a worker that waits in vain is a
    // commit, too, and may be the one that is hit.
    for passage in (0..3).cycle().take(12) {
        server.arm("tasks.after_commit", &format!("{passage}*off->1*return(error)"));
        let job = Job::try_upload(&server, passage).expect("the commit happened");
        job.check(&server);
    }
}

#[test]
fn the_re_read_is_missed() {
    assert_noticed(Mechanism::ReRead, &["campaign::mutations::a_commit_in_doubt_that_happened_is_acknowledged"], "campaign::mutations");
}
