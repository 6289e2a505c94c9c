//! How commands are run and what is observed of them, with small shell scripts.
//! What the facts are used for is tested where statements are made.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it does not expect")]

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use countersign_capture::command::{CommandError, Descendants, Finished, Outcome, close_to_others, left_behind, run};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(50);

/// Children belong to the whole process, so only one test may have any.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shell(script: &str, arguments: &[&Path], grace: Duration) -> Result<Finished, CommandError> {
    let mut all: Vec<OsString> = vec!["-c".into(), script.into(), "sh".into()];
    all.extend(arguments.iter().map(|path| path.as_os_str().to_owned()));
    run(OsStr::new("sh"), &all, &[], grace, &mut |_| {})
}

fn end(pid_file: &Path) {
    let pid = Pid::from_raw(fs::read_to_string(pid_file).unwrap().trim().parse().unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    waitpid(Some(pid), WaitOptions::empty()).unwrap();
}

/// Returns whether whoever started the tests has these signals ignored, as a shell does for what it runs in the background.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim().to_owned();
    u64::from_str_radix(&mask, 16).unwrap() & (1 << (signal - 1)) != 0
}

#[test]
fn gives_the_code_that_the_command_exits_with() {
    let _alone = alone();
    for code in [0, 3, 255] {
        let finished = shell(&format!("exit {code}"), &[], LONG).unwrap();
        assert_eq!(finished.outcome, Outcome::Exited(code));
        assert_eq!(finished.exit_code(), code);
        assert_eq!(finished.descendants, Descendants::Ended);
    }
}

#[test]
fn the_command_gets_the_environment_without_what_is_ours_or_withheld() {
    let _alone = alone();
    // Cargo sets both for tests.
    let script = "test -z \"${CARGO_MANIFEST_DIR+x}${COUNTERSIGN_CORPORA+x}\" && test -n \"$CARGO_PKG_NAME\"";
    let outcome = |withheld: &[&str]| run(OsStr::new("sh"), &["-c".into(), script.into()], withheld, LONG, &mut |_| {}).unwrap().outcome;
    assert_eq!(outcome(&["CARGO_MANIFEST_DIR"]), Outcome::Exited(0));
    assert_eq!(outcome(&[]), Outcome::Exited(1));
}

#[test]
#[cfg(target_os = "linux")]
fn others_of_the_same_user_can_be_kept_from_reading_this_process_but_not_what_it_runs() {
    use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};

    let _alone = alone();
    close_to_others();
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    // A command opens what lies under its own name, as through /dev/stdin, and a process that is closed still can.
    let through_names = shell("echo said | cat /dev/stdin > /dev/null && cat /proc/self/environ > /dev/null", &[], LONG).unwrap();
    assert_eq!(through_names.outcome, Outcome::Exited(0));
    assert!(
        fs::read("/proc/self/environ").is_ok()
            && File::open("/dev/null").is_ok_and(|file| fs::metadata(format!("/proc/self/fd/{}", file.as_raw_fd())).is_ok())
    );
    set_dumpable_behavior(DumpableBehavior::Dumpable).unwrap();
}

#[test]
fn tells_death_by_a_signal_from_an_exit() {
    let _alone = alone();
    let finished = shell("kill -KILL $$", &[], LONG).unwrap();
    assert_eq!(finished.outcome, Outcome::Killed(9));
    assert_eq!(finished.exit_code(), 137);
    assert_eq!(shell("exit 137", &[], LONG).unwrap().outcome, Outcome::Exited(137));
}

#[test]
fn tells_a_missing_program_from_one_that_cannot_be_executed() {
    let _alone = alone();
    let missing = run(OsStr::new("no-such-program-anywhere"), &[], &[], LONG, &mut |_| {}).unwrap_err();
    assert!(matches!(missing, CommandError::NotFound { .. }), "{missing}");
    assert!(missing.to_string().contains("`no-such-program-anywhere`"));

    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::write(&data, "not a program").unwrap();
    let refused = run(data.as_os_str(), &[], &[], LONG, &mut |_| {}).unwrap_err();
    assert!(matches!(refused, CommandError::NotExecutable { .. }), "{refused}");
    let refused = run(folder.path().as_os_str(), &[], &[], LONG, &mut |_| {}).unwrap_err();
    assert!(matches!(refused, CommandError::NotExecutable { .. }), "{refused}");
}

#[test]
fn sees_orphans_that_outlive_the_grace() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let finished = shell("sleep 60 </dev/null >/dev/null 2>&1 & echo $! >\"$1\"; exit 4", &[&pid], SHORT).unwrap();
    assert_eq!(finished.outcome, Outcome::Exited(4));
    assert_eq!(finished.descendants, Descendants::Left);
    end(&pid);
}

#[test]
fn tells_for_whom_it_waits_and_who_is_left() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let arguments =
        ["-c".into(), "sleep 60 </dev/null >/dev/null 2>&1 & echo $! >\"$1\"".into(), "sh".into(), pid.clone().into_os_string()];
    let mut told = Vec::new();
    let finished = run(OsStr::new("sh"), &arguments, &[], Duration::from_millis(600), &mut |left| told.push(left.to_vec())).unwrap();
    assert_eq!(finished.descendants, Descendants::Left);
    let id: u32 = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
    assert!(matches!(&told[..], [left] if matches!(&left[..], [process] if process.id == id && process.name == "sleep")), "{told:?}");
    assert_eq!(left_behind(), told.concat());
    end(&pid);
    assert_eq!(left_behind(), []);
}

#[test]
fn waits_for_orphans_of_orphans_and_no_longer_than_they_run() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("mark");
    let began = Instant::now();
    let finished = shell("( ( sleep 0.3; echo done >\"$1\" ) & ) & exit 0", &[&mark], LONG).unwrap();
    assert_eq!(finished.descendants, Descendants::Ended);
    assert_eq!(fs::read_to_string(&mark).unwrap(), "done\n");
    assert!(began.elapsed() < LONG);
}

#[test]
fn hides_our_own_variables_and_descriptors_and_keeps_the_process_group() {
    let _alone = alone();
    // The environment of a running process can't be changed safely, so the test calls itself with one more variable.
    if std::env::var_os("COUNTERSIGN_PASSPHRASE").is_none() {
        let this = "hides_our_own_variables_and_descriptors_and_keeps_the_process_group";
        let mut again = Command::new(std::env::current_exe().unwrap());
        let output = again.args([this, "--exact"]).env("COUNTERSIGN_PASSPHRASE", "secret").env("COUNTERSIGNED", "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let opened = File::create(folder.path().join("opened")).unwrap();
    let script = r#"
        env | grep -q '^COUNTERSIGN_' && exit 10
        env | grep -q '^COUNTERSIGNED=1' || exit 11
        test -e /proc/self/fd/"$1" && exit 12
        test "$(cut -d' ' -f5 /proc/$$/stat)" = "$(cut -d' ' -f5 /proc/$PPID/stat)" || exit 13
        exit 0
    "#;
    let number = opened.as_raw_fd().to_string();
    let finished = shell(script, &[Path::new(&number)], LONG).unwrap();
    assert_eq!(finished.exit_code(), 0);
}

#[test]
fn forwards_the_signals_that_ask_to_stop() {
    let _alone = alone();
    for (signal, code) in [("TERM", 7), ("HUP", 8)] {
        let script = format!("trap 'exit {code}' {signal}; kill -{signal} $PPID; while :; do sleep 0.05; done");
        assert_eq!(shell(&script, &[], LONG).unwrap().outcome, Outcome::Exited(code), "{signal}");
    }
}

#[test]
fn survives_the_signals_of_the_keyboard_without_forwarding_them() {
    let _alone = alone();
    for (signal, number) in [("INT", 2), ("QUIT", 3)] {
        let script = format!("trap 'exit 9' {signal}; kill -{signal} $PPID; sleep 0.2; exit 5");
        assert_eq!(shell(&script, &[], LONG).unwrap().outcome, Outcome::Exited(5), "{signal}");
        // What the command itself does with them is its own affair: it inherits the disposition that our caller gave us.
        let expected = if is_ignored(number) { Outcome::Exited(6) } else { Outcome::Killed(number) };
        assert_eq!(shell(&format!("kill -{signal} $$; exit 6"), &[], LONG).unwrap().outcome, expected);
    }
}

#[test]
fn a_signal_that_asks_to_stop_cuts_the_grace_short() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    // The orphan asks only when the command is gone, which it sees by its own new parent.
    let script = r#"
        us=$PPID
        ( while kill -0 $$ 2>/dev/null; do sleep 0.05; done; kill -TERM $us; exec sleep 60 ) </dev/null >/dev/null 2>&1 &
        echo $! >"$1"
    "#;
    let began = Instant::now();
    let finished = shell(script, &[&pid], Duration::from_secs(50)).unwrap();
    assert_eq!(finished.descendants, Descendants::Left);
    assert!(began.elapsed() < Duration::from_secs(50));
    end(&pid);
}
