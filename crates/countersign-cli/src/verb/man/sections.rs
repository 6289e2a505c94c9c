//! One manual page: what the definition of a command says, and what it can't say: how it exits, and what it reads around it.
//! What is told of a command follows from its options, but for how it exits: a verb with statuses of its own has an arm here.

use clap::Command;
use clap_mangen::roff::{Roff, bold, roman};

/// Returns the name of a command's page, and the page.
pub(super) fn page(command: &Command) -> (String, Vec<u8>) {
    let version = command.get_version().unwrap_or_default();
    let man = clap_mangen::Man::new(command.clone()).manual("Countersign").source(format!("countersign {version}"));
    let mut page = Vec::new();
    // Nothing fails that is written into memory.
    let _ = man.render_title(&mut page);
    let _ = man.render_name_section(&mut page);
    page.extend(synopsis(command).render().into_bytes());
    let _ = man.render_description_section(&mut page);
    let _ = man.render_options_section(&mut page);
    if command.has_subcommands() {
        let _ = man.render_subcommands_section(&mut page);
    }
    let mut more = Roff::new();
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (examples, notes): (Vec<_>, Vec<_>) =
        help.split("\n\n").filter(|part| !part.is_empty()).partition(|part| part.starts_with("Example"));
    if !notes.is_empty() {
        more.control("SH", ["NOTES"]);
        for note in notes {
            more.control("PP", []).text([roman(note)]);
        }
    }
    list(&mut more, "EXIT STATUS", statuses(command.get_name()).iter().copied());
    list(&mut more, "ENVIRONMENT", told(command, ENVIRONMENT));
    list(&mut more, "FILES", told(command, FILES));
    if !examples.is_empty() {
        more.control("SH", ["EXAMPLES"]).control("nf", []);
        for line in examples.iter().flat_map(|example| example.lines().skip(1)) {
            more.text([roman(line.trim_start())]);
        }
        more.control("fi", []);
    }
    page.extend(more.render().into_bytes());
    (man.get_filename(), page)
}

/// Returns how the command is called: each option with its value, and what stands behind `--`.
fn synopsis(command: &Command) -> Roff {
    let mut line = vec![bold(command.get_bin_name().unwrap_or(command.get_name()))];
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
        let names: Vec<_> = argument.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>")).collect();
        let values = if argument.get_action().takes_values() { names.join(" ") } else { String::new() };
        let dots = if argument.get_num_args().is_some_and(|count| count.max_values() > 1) || repeats(argument) { "..." } else { "" };
        let (open, close) = if argument.is_required_set() { ("", "") } else { ("[", "]") };
        let behind = if argument.is_last_set() { "-- " } else { "" };
        let called = match argument.get_long() {
            Some(long) if values.is_empty() => format!(" {open}--{long}{close}{dots}"),
            Some(long) => format!(" {open}--{long} {values}{close}{dots}"),
            None if argument.is_positional() => format!(" {open}{behind}{values}{close}{dots}"),
            None => continue,
        };
        line.push(roman(called));
    }
    if command.has_subcommands() {
        line.push(roman(" <COMMAND>"));
    }
    let mut section = Roff::new();
    section.control("SH", ["SYNOPSIS"]).text(line);
    section
}

fn repeats(argument: &clap::Arg) -> bool {
    matches!(argument.get_action(), clap::ArgAction::Append | clap::ArgAction::Count)
}

/// Adds a section of terms and what they mean, unless there are none.
fn list<'a>(page: &mut Roff, heading: &str, items: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut items = items.peekable();
    if items.peek().is_some() {
        page.control("SH", [heading]);
    }
    for (term, meaning) in items {
        page.control("TP", []).text([bold(term)]).text([roman(meaning)]);
    }
}

/// Returns what is told of a command: what concerns it, or an option that it, or a command within it, takes.
fn told<'a>(command: &'a Command, all: &'a [(&str, &str, &str)]) -> impl Iterator<Item = (&'a str, &'a str)> {
    all.iter().filter(|(option, ..)| takes(command, option) || *option == command.get_name()).map(|(_, term, meaning)| (*term, *meaning))
}

fn takes(command: &Command, option: &str) -> bool {
    command.get_arguments().any(|argument| argument.get_long() == Some(option))
        || command.get_subcommands().any(|within| takes(within, option))
}

fn statuses(verb: &str) -> &'static [(&'static str, &'static str)] {
    match verb {
        "verify" | "explain" | "why-not" => &[
            ("0", "Allowed."),
            ("1", "Denied."),
            ("2", "Undetermined: something that could decide it couldn't be fetched, read or judged."),
            ("3", "The question couldn't be asked; nothing is allowed by that."),
        ],
        "verify-bundle" => &[
            ("0", "Verified."),
            ("1", "Refused, or it couldn't be found out."),
            ("3", "Misused, or there was nothing to ask about: an unreadable file, or no such key."),
        ],
        "run" => &[
            ("125", "Nothing could be observed or signed."),
            ("126", "The command can't be executed."),
            ("127", "The command isn't found."),
            ("any other", "What the command itself exited with, or 128 and the number of the signal that ended it."),
        ],
        "countersign" => &[
            ("0", "Done, or allowed."),
            ("1", "Denied."),
            ("2", "Undetermined."),
            ("3", "Failed, or misused; a question couldn't be asked."),
            ("any other", "The command's that was run; see countersign-run(1)."),
        ],
        _ => &[("0", "Done."), ("3", "Failed, or misused.")],
    }
}

/// An option or a command, the variable that is read where there is that one, and what for.
const ENVIRONMENT: &[(&str, &str, &str)] = &[
    ("passphrase-file", "COUNTERSIGN_PASSPHRASE", "The passphrase of the private key, if there is no --passphrase-file."),
    ("sandbox-image", "COUNTERSIGN_SANDBOX_IMAGE", "The image, if there is no --sandbox-image."),
    ("session", "CLAUDE_CONFIG_DIR", "Where Claude Code keeps its sessions, if not in ~/.claude."),
    ("signer", "XDG_DATA_HOME", "Where the default key is looked for, if not below ~/.local/share."),
    ("mirror", "XDG_DATA_HOME", "Where trust roots are kept, if not below ~/.local/share."),
    ("mirror", "HTTPS_PROXY, ALL_PROXY, NO_PROXY", "By which proxy the mirror is asked."),
    ("init", "XDG_DATA_HOME", "Where the default key is looked for, whose public half the policy gets, if not below ~/.local/share."),
    ("disclose", "XDG_DATA_HOME", "Where openings and their key lie, if not below ~/.local/share."),
    ("shred", "XDG_DATA_HOME", "Where openings lie, if not below ~/.local/share."),
    (
        "signing-config",
        "ACTIONS_ID_TOKEN_REQUEST_URL, ACTIONS_ID_TOKEN_REQUEST_TOKEN, SIGSTORE_ID_TOKEN",
        "Where keyless: gets the identity token: from GitHub Actions, or as it stands there, as GitLab CI can set it.",
    ),
    (
        "signing-config",
        "SPIFFE_ENDPOINT_SOCKET",
        "Where keyless: looks last, and keyless:spiffe first: the socket of the Workload API, unix:// or tcp:// on this machine.",
    ),
    (
        "signing-config",
        "CI, DISPLAY, WAYLAND_DISPLAY, SSH_CONNECTION, BROWSER",
        "Whether keyless: asks a person at the terminal (not where CI is set), with a browser or for a code, and by which program the browser \
         is opened.",
    ),
    ("signing-config", "HTTPS_PROXY, ALL_PROXY, NO_PROXY", "By which proxy the services are asked."),
    (
        "repository",
        "GITHUB_ACTIONS, GITLAB_CI",
        "Where one of them is true, the statement says what that CI system tells of the job by the variables that it documents.",
    ),
];

/// An option or a command, the file that is meant where nothing else is given, and what for.
const FILES: &[(&str, &str, &str)] = &[
    ("preset", ".countersign/policy.yaml", "The policy, at the top of the work tree."),
    ("store", ".countersign/evidence", "The default store, at the top of the work tree."),
    ("signing-config", "/var/run/sigstore/cosign/oidc-token", "Where keyless: looks after CI systems: a token that Kubernetes projects."),
    (
        "trust",
        "$XDG_DATA_HOME/countersign/trust/public-good",
        "The trust root `public-good` as `countersign trust update` fetched it last.",
    ),
    (
        "mirror",
        "$XDG_DATA_HOME/countersign/trust",
        "What was fetched, a folder for each instance; trusted_root.json in it is a copy for --trust.",
    ),
    ("signer", "$XDG_DATA_HOME/countersign/keys/default.key", "The default key; its public half lies beside it."),
    ("init", "$XDG_DATA_HOME/countersign/keys/default.pub", "The public half of the default key, which the policy gets."),
    ("disclose", "$XDG_DATA_HOME/countersign/openings", "What opens sealed records, encrypted, a folder for each."),
    ("disclose", "$XDG_DATA_HOME/countersign/keys/openings.key", "The key that opens them."),
    ("shred", "$XDG_DATA_HOME/countersign/openings", "What opens sealed records, encrypted, a folder for each."),
];
