//! An honest child: reused for many jobs, bound by its limits, and frank about what goes wrong.

use safelight::domain::error_code::ErrorCode;
use safelight::domain::probe::Details;
use safelight::sandbox::{Exit, Job, Probe, SandboxError};

use crate::fake::{NAME, PEAK_BYTES};
use crate::support::health::with_child;
use crate::support::{attempt, block_on, bytes, done, failed, file, job, limits, log, spawner};

trials! {
    one_child_does_many_jobs,
    a_refused_job_leaves_the_child_ready,
    a_failed_job_leaves_the_child_ready,
    a_panic_is_a_damaged_image_and_the_child_is_not_used_again,
    the_original_cannot_be_written,
    assets_arrive_in_their_order_and_cannot_be_written,
    the_child_has_set_every_limit,
    the_child_inherits_no_descriptor_and_no_environment,
    what_the_child_writes_to_stderr_is_logged,
    an_image_beyond_the_limits_fails_in_the_child,
    an_output_beyond_the_limit_of_the_job_fails,
    an_output_beyond_the_file_size_is_an_error_and_no_death,
    an_allocation_beyond_the_address_space_is_a_death,
    a_stack_overflow_is_a_death,
    a_child_grows_and_tells,
}

fn one_child_does_many_jobs() {
    block_on(with_child(NAME, async |mut child| {
        let pid = child.pid();
        for n in 1..=100 {
            let image = vec![b'a' + (n % 26) as u8; n];
            let output = done(&mut child, &image).await;
            assert_eq!(bytes(&output), [b"BM", image.as_slice()].concat());
            assert_eq!((child.pid(), child.jobs_done()), (pid, n as u64));
        }
        assert!(child.is_reusable());
        assert_eq!(child.kill().await, Some(Exit::Signal(9)));
    }));
}

fn a_refused_job_leaves_the_child_ready() {
    block_on(with_child(NAME, async |mut child| {
        let Probe::Readable(probed) = child.probe(job(), &file(b"1234"), &[]).await.unwrap() else { panic!("not readable") };
        assert_eq!((probed.probing().info.width, probed.probing().peak_bytes), (4, PEAK_BYTES));
        let profile = probed.probing().details.profile.clone().expect("the child told one");
        assert_eq!((profile.chars().count(), profile.chars().any(char::is_control)), (Details::MAX_TEXT, false), "{profile}");
        probed.refuse().await.unwrap();
        assert_eq!(bytes(&done(&mut child, b"next").await), b"BMnext");
        assert_eq!(child.jobs_done(), 2);
    }));
}

fn a_failed_job_leaves_the_child_ready() {
    block_on(with_child(NAME, async |mut child| {
        let failure = failed(&mut child, b"unsupported").await;
        assert_eq!(failure.code, ErrorCode::UnsupportedFormat);
        assert_eq!(failure.detail.chars().count(), 500, "the detail is bounded");
        assert!(failure.detail.starts_with("a\u{fffd}b"), "the detail is one line");
        assert_eq!(bytes(&done(&mut child, b"next").await), b"BMnext");
    }));
}

fn assets_arrive_in_their_order_and_cannot_be_written() {
    block_on(with_child(NAME, async |mut child| {
        // As many as there may be, and each time anew.
        for count in [8, 0, 3] {
            let names = (0..count).map(|n| format!("asset{n}").parse().unwrap()).collect();
            let files: Vec<_> = (0..count).map(|n| file(format!("bytes {n}").as_bytes())).collect();
            let job = Job { assets: names, ..job() };
            for (image, expected) in [
                (&b"read assets"[..], format!("{:?}", (0..count).map(|n| format!("bytes {n}")).collect::<Vec<_>>())),
                (b"write assets", format!("{:?}", vec![false; count])),
            ] {
                let Probe::Failed(failure) = child.probe(job.clone(), &file(image), &files).await.unwrap() else { panic!("it went on") };
                assert_eq!(failure.detail, expected);
            }
        }
        assert!(child.is_reusable());
    }));
}

fn a_panic_is_a_damaged_image_and_the_child_is_not_used_again() {
    for image in [&b"panic early"[..], b"panic late"] {
        block_on(with_child(NAME, async |mut child| {
            assert_eq!(failed(&mut child, image).await.code, ErrorCode::CorruptImage);
            assert!(!child.is_reusable());
            log::wait_for(&["planted", &format!("pid={}", child.pid())]);
        }));
    }
}

fn the_original_cannot_be_written() {
    block_on(with_child(NAME, async |mut child| {
        assert_eq!(failed(&mut child, b"write input").await.detail, "Err(Uncategorized)", "EBADF");
    }));
}

fn the_child_has_set_every_limit() {
    block_on(with_child(NAME, async |mut child| {
        let (address_space, file_size) = (limits().address_space, limits().file_size);
        let expected = format!(
            "as={address_space} fsize={file_size} core=0 nofile=32 nproc=0 nice=7 no_new_privs=true death=Some(9) threads=1 group=true"
        );
        assert_eq!(failed(&mut child, b"state").await.detail, expected);
    }));
}

fn the_child_inherits_no_descriptor_and_no_environment() {
    // Without close-on-exec, as a shell or `make` leaves them.
    let inherited = rustix::io::dup(tempfile::tempfile().unwrap()).unwrap();
    block_on(async {
        let mut child = spawner(NAME).spawn().await.unwrap();
        let listed = failed(&mut child, b"descriptors").await.detail;
        let names: Vec<_> = listed.split('"').skip(1).step_by(2).collect();
        let of = |what: &str| names.iter().filter(|name| name.contains(what)).count();
        assert_eq!((of("socket:"), of("/dev/null"), of("pipe:"), of("safelight-output")), (2, 1, 1, 1), "{listed}");
        // The sixth is the image, the seventh the listing itself.
        assert_eq!(names.len(), 7, "{listed}");
        assert_eq!(failed(&mut child, b"environment").await.detail, "[]");
    });
    drop(inherited);
}

fn what_the_child_writes_to_stderr_is_logged() {
    block_on(with_child(NAME, async |mut child| {
        let pid = format!("pid={}", child.pid());
        assert!(matches!(attempt(&mut child, b"overflow the stack").await, Err(SandboxError::Died(_))));
        log::wait_for(&["has overflowed its stack", &pid]);
    }));
}

fn an_image_beyond_the_limits_fails_in_the_child() {
    block_on(with_child(NAME, async |mut child| {
        let failure = failed(&mut child, b"wide").await;
        assert_eq!((failure.code, failure.detail.as_str()), (ErrorCode::TooWide, "max_width is 1000, found 1001"));
    }));
}

fn an_output_beyond_the_limit_of_the_job_fails() {
    block_on(with_child(NAME, async |mut child| {
        assert_eq!(failed(&mut child, b"large").await.code, ErrorCode::OutputTooLarge);
        assert_eq!(bytes(&done(&mut child, b"next").await), b"BMnext");
    }));
}

fn an_output_beyond_the_file_size_is_an_error_and_no_death() {
    block_on(with_child(NAME, async |mut child| {
        assert_eq!(failed(&mut child, b"too large for a file").await.detail, "FileTooLarge");
        assert_eq!(bytes(&done(&mut child, b"next").await), b"BMnext");
    }));
}

fn an_allocation_beyond_the_address_space_is_a_death() {
    block_on(with_child(NAME, async |mut child| {
        let end = attempt(&mut child, b"allocate").await;
        assert!(matches!(end, Err(SandboxError::Died(Exit::Signal(6)))), "{end:?}");
    }));
}

fn a_stack_overflow_is_a_death() {
    block_on(with_child(NAME, async |mut child| {
        let end = attempt(&mut child, b"overflow the stack").await;
        assert!(matches!(end, Err(SandboxError::Died(Exit::Signal(6 | 11)))), "{end:?}");
    }));
}

fn a_child_grows_and_tells() {
    block_on(with_child(NAME, async |mut child| {
        let before = child.memory().unwrap();
        done(&mut child, b"grow").await;
        let after = child.memory().unwrap();
        assert!(after.resident >= before.resident + (60 << 20), "{before:?} {after:?}");
        assert!(after.peak >= after.resident);
    }));
}
