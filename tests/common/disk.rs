//! A small disk of a test's own: ext4 on a file behind a loop device, so that it can be full, and lose its power, alone.
//!
//! Needs root, `mkfs.ext4` and a loop device. Where one is missing, the reason is returned and the test is skipped with it.

#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(unsafe_code, reason = "no crate here wraps the request that stands for a power cut")]

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// `_IOR('X', 125, __u32)` and its flag, from the kernel's fs/ext4/ext4.h.
const EXT4_IOC_SHUTDOWN: libc::Ioctl = 0x8004_587D;
const EXT4_GOING_FLAGS_NOLOGFLUSH: u32 = 2;

/// A mounted file system; unmounted and removed when dropped.
pub(crate) struct Disk {
    directory: TempDir,
}

impl Disk {
    /// An empty ext4 of `megabytes` MiB without blocks reserved for root, mounted.
    ///
    /// # Errors
    /// The reason why there can be none here.
    pub(crate) fn ext4(megabytes: u64) -> Result<Self, String> {
        if !rustix::process::geteuid().is_root() {
            return Err("mounting a file system needs root".into());
        }
        let disk = Self { directory: TempDir::new().map_err(|error| format!("no temporary directory: {error}"))? };
        let image = File::create(disk.image()).and_then(|image| image.set_len(megabytes << 20));
        image.map_err(|error| format!("no image of a disk: {error}"))?;
        fs::create_dir(disk.path()).map_err(|error| format!("no directory to mount on: {error}"))?;
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(disk.image()))?;
        disk.mount()?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("disk")
    }

    /// Unmounts it and mounts it again, which replays its journal; nothing may be open on it.
    pub(crate) fn remount(&self) {
        run(Command::new("umount").arg(self.path())).and_then(|()| self.mount()).expect("the disk can be mounted again");
    }

    /// Cuts the power: from now on every write fails, and nothing that was not synced is there after a [`Disk::remount`].
    /// Not even the journal that is in memory is written (`EXT4_IOC_SHUTDOWN` without a flush of the log). What a power
    /// cut may do beyond that, such as a half-written sector or a disk that lies about its cache, this does not do.
    pub(crate) fn cut_power(&self) {
        let flag: u32 = EXT4_GOING_FLAGS_NOLOGFLUSH;
        let mount = File::open(self.path()).expect("the disk is mounted");
        // SAFETY: the descriptor is open, and the request reads one `u32` from the pointer.
        let failed = unsafe { libc::ioctl(mount.as_raw_fd(), EXT4_IOC_SHUTDOWN, &raw const flag) };
        assert_eq!(failed, 0, "{}", std::io::Error::last_os_error());
    }

    fn mount(&self) -> Result<(), String> {
        run(Command::new("mount").args(["-o", "loop"]).arg(self.image()).arg(self.path()))
    }

    fn image(&self) -> PathBuf {
        self.directory.path().join("image")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A process of a failed test may still have something open; a lazy end leaves no mount behind either.
        if run(Command::new("umount").arg(self.path())).is_err() {
            let _ = run(Command::new("umount").arg("--lazy").arg(self.path()));
        }
    }
}

/// The bytes that a file system has free.
pub(crate) fn free_bytes(path: &Path) -> u64 {
    let free = rustix::fs::statvfs(path).expect("the file system is mounted");
    free.f_bavail * free.f_frsize
}

fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name} cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
