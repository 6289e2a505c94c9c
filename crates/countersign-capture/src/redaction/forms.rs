//! The forms of secrets: tokens that their issuers mark, secrets by where they stand, and secrets that a name announces.
//! How far a value reaches beyond its form is said in `extent`.
//!
//! The rules are ours. The rule sets that others keep are made to rank findings for somebody who looks at them: they lean on
//! entropy, and then report digests, or exclude what stands in lockfiles by path, which a transcript doesn't have.

/// Where a word begins: also behind an underline, behind an option of one letter (`-uTOKEN`), and behind an escape of JSON,
/// of a URL or of a terminal, whose last letter is none of the word.
pub(super) const BEFORE: &str =
    r"(?:\b|_|\b-[A-Za-z]|\\[bfnrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|(?:\x1B|\\u001[Bb]|\\x1[Bb]|\\033|\\e)\[[0-9;?]*[A-Za-z])";

/// What a terminal takes for colours, as such, in JSON or as source writes it (ECMA-48 §5.4).
const COLOURS: &str = r"(?:(?:\x1B|\\+(?:u001[Bb]|x1[Bb]|033|e))\[[0-9;:?]*[A-Za-z])*";

/// Tokens that their issuers mark, by kind and form, as each issuer documents or issues it.
pub(super) const TOKENS: &[(&str, &str)] = &[
    ("age-key", r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{58,}"), // age: Bech32 with this prefix
    ("airtable-token", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b"), // Airtable: id, dot, secret
    ("alibaba-access-key", r"LTAI[A-Za-z0-9]{16,24}\b"),   // Alibaba Cloud: AccessKey ID
    ("anthropic-key", r"sk-ant-[a-z0-9]+-[A-Za-z0-9_-]{32,}"), // Anthropic: api03, admin01, oat01
    ("artifactory-key", r"AKCp[A-Za-z0-9]{65,}\b"),        // JFrog: API key
    ("atlassian-token", r"AT(?:ATT|CTT|BB)[A-Za-z0-9_=-]{28,}"), // Atlassian and Bitbucket: API token, app password
    ("aws-access-key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"), // AWS IAM: unique-id prefixes of access keys and STS tokens
    ("aws-bedrock-key", r"ABSK[A-Za-z0-9+/]{109,}={0,2}"), // AWS Bedrock: long-term API key
    ("azure-client-secret", r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"), // Entra ID: 3, version, Q~, secret
    ("crates-io-token", r"cio[A-Za-z0-9]{32}\b"),          // crates.io: `cio` and 32
    ("databricks-token", r"dapi[0-9a-f]{32}(?:-[0-9]+)?\b"), // Databricks: personal access token
    ("digitalocean-token", r"do[opr]_v1_[0-9a-f]{64}\b"),  // DigitalOcean: OAuth, personal, refresh
    ("discord-token", r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,}"), // Discord: id, time, HMAC of a bot
    ("docker-token", r"dckr_[op]at_[A-Za-z0-9_-]{27,}"),   // Docker Hub: personal, organisation
    ("doppler-token", r"dp\.(?:ct|pt|st|sa|scim|audit)\.(?:[a-z0-9_-]+\.)?[A-Za-z0-9]{40,44}\b"), // Doppler: auth token formats
    ("figma-token", r"fig[dour]h?_[A-Za-z0-9_-]{40,}"),    // Figma: personal, OAuth
    ("fly-token", r"f(?:o1|m[12][ar]?)_[A-Za-z0-9+/=_-]{40,}"), // Fly.io: access token, macaroon
    ("gcp-access-token", r"ya29\.[A-Za-z0-9_-]{20,}"),     // Google: OAuth 2.0 access token
    ("gcp-api-key", r"AIza[A-Za-z0-9_-]{35}"),             // Google Cloud: API key
    ("gcp-client-secret", r"GOCSPX-[A-Za-z0-9_-]{28}"),    // Google: OAuth client secret
    ("gcp-refresh-token", r"1//0[A-Za-z0-9_-]{20,}"),      // Google: OAuth 2.0 refresh token
    ("github-token", r"gh[oprsu]_[A-Za-z0-9_.-]{36,}"),    // GitHub: token prefixes
    ("github-token", r"github_pat_[A-Za-z0-9_]{82}"),      // GitHub: fine-grained personal access token
    ("gitlab-token", r"gl(?:agent|cbt|dt|ffct|ft|imt|oas|pat|ptt|rt|rtr|soat|wt)-[A-Za-z0-9_.-]{20,}"), // GitLab: token prefixes
    ("grafana-token", r"gl(?:c_[A-Za-z0-9+/]{32,}={0,2}|sa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8})"), // Grafana: cloud, service account
    ("groq-key", r"gsk_[A-Za-z0-9]{48,}\b"),               // Groq
    ("hugging-face-token", r"(?:hf|api_org)_[A-Za-z0-9]{34,}\b"), // Hugging Face: user, organisation
    ("json-web-token", r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), // RFC 7519: `{"` in base64url, twice
    ("langsmith-key", r"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}\b"), // LangSmith: personal, service
    ("linear-key", r"lin_(?:api|oauth)_[A-Za-z0-9]{40,}\b"), // Linear
    ("mailgun-key", r"key-[0-9a-f]{32}\b"),                // Mailgun: private key
    ("new-relic-key", r"NRAK-[A-Z0-9]{27}\b"),             // New Relic: user key
    ("notion-token", r"(?:secret|ntn)_[A-Za-z0-9]{43,}\b"), // Notion: integration
    ("npm-token", r"npm_[A-Za-z0-9]{36}\b"),               // npm: `npm_`, 30 and a checksum of 6
    ("nuget-key", r"oy2[a-z0-9]{43}\b"),                   // nuget.org
    ("openai-key", r"sk-(?:(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{48,}\b)"), // OpenAI: project, service, user
    ("openai-key", r"sk-[0-9a-f]{32}\b"),                  // DeepSeek, which has OpenAI's API
    ("openrouter-key", r"sk-or-v1-[0-9a-f]{64}\b"),        // OpenRouter
    ("perplexity-key", r"pplx-[A-Za-z0-9]{48}\b"),         // Perplexity
    ("planetscale-token", r"pscale_(?:oauth|pw|tkn)_[A-Za-z0-9_.=-]{32,}"), // PlanetScale
    ("postman-key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}\b"),  // Postman
    ("pulumi-token", r"pul-[0-9a-f]{40}\b"),               // Pulumi
    ("pypi-token", r"pypi-AgE[A-Za-z0-9_-]{50,}"),         // PyPI: macaroon whose location is base64 of pypi.org
    ("replicate-token", r"r8_[A-Za-z0-9]{37}\b"),          // Replicate
    ("rubygems-key", r"rubygems_[0-9a-f]{48}\b"),          // RubyGems.org
    ("sendgrid-key", r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"), // SendGrid: id, secret
    ("sentry-token", r"sntry[su]_[A-Za-z0-9+/=_]{64,}"),   // Sentry: organisation, user
    ("shopify-token", r"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}\b"), // Shopify: admin, custom, private, shared secret
    ("slack-token", r"xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}"), // Slack: bot, user, refresh, configuration
    ("slack-token", r"xapp-[0-9]-[A-Z0-9]+-[0-9]+-[a-z0-9]+"), // Slack: app level
    ("sonarqube-token", r"sq[apu]_[0-9a-f]{40}\b"),        // SonarQube: analysis, project, user
    ("square-token", r"sq0(?:atp|csp)-[A-Za-z0-9_-]{22,}"), // Square: access token, secret
    ("stripe-key", r"(?:[rs]k_(?:live|prod|test)|whsec)_[A-Za-z0-9+/=]{16,}"), // Stripe: secret, restricted, webhook
    ("supabase-key", r"sb(?:p_[0-9a-f]{40}\b|_secret_[A-Za-z0-9_-]{31,})"), // Supabase: personal, secret
    ("telegram-token", r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"), // Telegram: bot id and token
    ("terraform-token", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}"), // HCP Terraform
    ("twilio-key", r"SK[0-9a-f]{32}\b"),                   // Twilio: API key SID
    ("vault-token", r"hv[bsr]\.[A-Za-z0-9_-]{24,}"),       // HashiCorp Vault: batch, service, recovery
    ("xai-key", r"xai-[A-Za-z0-9]{70,}\b"),                // xAI
];

/// The tokens among them whose mark no word ends with, in the strictest form: they count in the middle of a word, too.
pub(super) const WITHIN_WORDS: &[(&str, &str)] = &[
    ("age-key", r"AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]{58,}"),
    ("anthropic-key", r"sk-ant-(?:admin|api|oat)[0-9]{2}-[A-Za-z0-9_-]{32,}"),
    ("docker-token", r"dckr_[op]at_[A-Za-z0-9_-]{27,}"),
    ("gcp-client-secret", r"GOCSPX-[A-Za-z0-9_-]{28}"),
    ("github-token", r"gh[oprsu]_[A-Za-z0-9]{36,}"), // A word may end in `ghs`, and a name go on with underlines.
    ("github-token", r"github_pat_[A-Za-z0-9_]{82}"),
    ("gitlab-token", r"gl(?:cbt|dt|pat|ptt|rt)-[A-Za-z0-9_-]{20,}"),
    ("npm-token", r"npm_[A-Za-z0-9]{36}\b"),
    ("openai-key", r"sk-[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,}"), // OpenAI: `OpenAI` in base64
    ("pypi-token", r"pypi-AgE[A-Za-z0-9_-]{50,}"),
    ("slack-token", r"xox[abpr]-[0-9]{10,}-[A-Za-z0-9-]{10,}"),
    ("stripe-key", r"[rs]k_live_[A-Za-z0-9]{24,}"),
];

/// Secrets by where they stand: kind, form, how far they reach, and what the form can't tell. The secret is the group `v`; what
/// is in quotes stands behind the group `q`.
pub(super) const PLACES: &[Placed] = &[
    // RFC 7468, OpenSSH, PGP: up to the end line, whatever a tool put before each line; cut off, as far as base64 goes.
    (
        "private-key",
        r#"(?P<v>-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[^"\x00]*?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----)"#,
        Reach::Form,
        |_| true,
    ),
    (
        "private-key",
        r"(?P<v>-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:(?:\s|\\[nrt]|[0-9|>+-]|\xE2\x86\x92)*[A-Za-z0-9+/]{40,}={0,2})+)",
        Reach::Form,
        |_| true,
    ),
    ("private-key", r"Private-Lines: [0-9]+(?P<v>(?:(?:\s|\\[nr])+[A-Za-z0-9+/]{40,}={0,2})+)", Reach::Form, |_| true), // PuTTY
    // RFC 7518 §6: the private members of JWKs; `k` is one beside the type only.
    ("private-key", r#"\\*"d\\*"\s*:\s*\\*"(?P<v>[A-Za-z0-9_-]{40,})"#, Reach::Form, |_| true),
    ("private-key", r#"\\*"(?:p|q|dp|dq|qi)\\*"\s*:\s*\\*"(?P<v>[A-Za-z0-9_-]{80,})"#, Reach::Form, |_| true),
    ("private-key", r#"\\*"kty\\*"\s*:\s*\\*"oct\\*"[^{}]*?"k\\*"\s*:\s*\\*"(?P<v>[A-Za-z0-9_-]{16,})"#, Reach::Form, |_| true),
    ("private-key", r#"\\*"k\\*"\s*:\s*\\*"(?P<v>[A-Za-z0-9_-]{16,})\\*"[^{}]*?"kty\\*"\s*:\s*\\*"oct"#, Reach::Form, |_| true),
    // RFC 3986 §3.2.1; an `@` that should have been escaped is the password's, up to the last one of the authority.
    (
        "url-password",
        r#"[A-Za-z0-9+]://[^\s/:"'\\<>\x00\[]*:(?P<v>[^\s/@"'\\$<>{}\[\]\x00][^\s/@"'\\<>{}\x00]*(?:@[^\s/?\#@"'\\<>{}\x00]*)*)@"#,
        Reach::Form,
        |_| true,
    ),
    // A token in the place of the user.
    ("url-password", r"[A-Za-z0-9+]://(?P<v>[A-Za-z0-9_-]+)@", Reach::Form, is_token),
    ("webhook", r"hooks\.slack\.com/(?:services|triggers|workflows)/(?P<v>[A-Za-z0-9/_+-]{20,})", Reach::Form, |_| true), // Slack: whoever has it may post
    ("webhook", r"discord(?:app)?\.com/api/webhooks/(?P<v>[0-9]+/[A-Za-z0-9_-]{40,})", Reach::Form, |_| true),            // Discord
    ("url-signature", r"[?&](?:sig|X-Amz-Signature|X-Goog-Signature)=(?P<v>[A-Za-z0-9%+/_-]{32,})", Reach::Form, |_| true), // Azure SAS, presigned URLs
    ("authorization", r"(?i)bearer\s+(?P<v>[A-Za-z0-9+/=._~-]{24,})", Reach::Form, |_| true),                               // RFC 6750
    // Programs that are told a user and a password in one word.
    (
        "password",
        r#"(?i)curl\b[^"|;&\n]*?[\s\x00](?:-u|--user|--proxy-user)[\s\x00=]*(?:\\*["'`])?[^\s:"'\\\x00\[]+:(?P<v>[^\s"'\\\x00\[]+)"#, // curl(1)
        Reach::Word,
        |_| true,
    ),
    (
        "password",
        r#"(?:\b|\\[nrt])(?:https?|xhs?)[\s\x00][^"|;&\n]*?(?:-a|--auth)[\s\x00=]+(?:\\*["'`])?[^\s:"'\\\x00\[]+:(?P<v>[^\s"'\\\x00\[]+)"#, // HTTPie, xh
        Reach::Word,
        |_| true,
    ),
    // Options of one letter, by the programs that have them.
    ("password", r#"sshpass[\s\x00]+-p[\s\x00]*(?P<q>\\*["'`])?(?P<v>[^\s"'\\\x00\[]+)"#, Reach::Word, |_| true), // sshpass(1)
    (
        "password",
        r#"(?:\b|\\[nrt])(?:mysql|mariadb)(?:-?[a-z]+)?\b[^"|;&\n]*?[\s\x00]-p(?P<q>\\*["'`])?(?P<v>[^\s"'\\\x00\[]+)"#,
        Reach::Word,
        is_no_variable,
    ), // mysql(1)
    (
        "password",
        r#"(?:\b|\\[nrt])login\b[^"|;&\n]*?[\s\x00]-p[\s\x00=]*(?P<q>\\*["'`])?(?P<v>[^\s"'\\\x00\[-][^\s"'\\\x00\[]*)"#,
        Reach::Word,
        is_no_variable,
    ), // docker, podman, helm, az
    (
        "password",
        r#"(?:\b|\\[nrt])redis-cli\b[^"|;&\n]*?[\s\x00](?:-a|--pass)[\s\x00]+(?P<q>\\*["'`])?(?P<v>[^\s"'\\\x00\[]+)"#,
        Reach::Word,
        is_no_variable,
    ), // redis-cli(1)
    ("password", r#"-pass(?:in|out)?[\s\x00]+(?:\\*["'`])?pass:(?P<v>[^\s"'\\\x00\[]+)"#, Reach::Word, is_no_variable), // openssl-passphrase-options(1)
    (
        "password",
        r#"(?i)--(?:[a-z]+-)*(?:password|passwd|passphrase|pass)[\s\x00]+(?P<q>\\*["'`])?(?P<v>[^\s"'`\\$<>{}\[\]()\x00-][^\s"'`\\<>{}\[\]()\x00]*)"#,
        Reach::Word,
        is_password,
    ),
    (
        "secret",
        r#"(?i)--(?:[a-z]+-)*(?:token|secret|(?:access|account|api|app|auth|client|encryption|master|private|secret|service|signing)-?key)[\s\x00]+(?P<q>\\*["'`])?(?P<v>[A-Za-z0-9+/=_.~-]{16,})"#,
        Reach::Word,
        is_no_path,
    ),
    // netrc(5), in one line and with a line for each word.
    (
        "password",
        r#"(?:\b|\\[nrt])login(?:\s|\\+[nrt])+[^\s"'\\]+(?:\s|\\+[nrt])+password(?:\s|\\+[nrt])+(?P<v>[^\s"'\\\x00\[]+)"#,
        Reach::Word,
        |_| true,
    ),
    ("password", r#"(?m)(?:^|"|\\+[nrt])[ \t]*password[ \t]+(?P<v>[^\s"'\\\x00\[]{6,})"#, Reach::Word, is_mixed),
    // .pgpass: host, port, database, user, password.
    ("password", r#":(?:543[0-9]|6432|\*):[^\s:"'\\]+:[^\s:"'\\]+:(?P<v>[^\s"'\\\x00\[]{4,})"#, Reach::Word, |_| true),
    ("secret", r"(?:Unseal|Recovery) Key [0-9]+:\s*(?P<v>[A-Za-z0-9+/]{40,}={0,2})", Reach::Form, |_| true), // vault operator init
    // RFC 7512 §2.4, and the variable that cosign reads: a token's PIN, which may be four digits.
    (
        "password",
        r#"(?:\bpin-value|PKCS11_PIN)=(?P<q>\\*["'`])?(?P<v>[^\s"'`\\$<>{}()&\x00\[][^\s"'`\\<>{}()&\x00]*)"#,
        Reach::Form,
        |_| true,
    ),
    // A variable of the environment whose name says it, whatever its value.
    ("secret", r#"(?:SECRET|TOKEN|PASSKEY)=(?P<q>\\*["'`])?(?P<v>[^\s"'`\\<>{}\[\]()\x00\x1B]{12,})"#, Reach::Word, is_opaque),
];

/// A rule, in the order of the columns above.
pub(super) type Placed = (&'static str, &'static str, Reach, fn(&[u8]) -> bool);
/// A rule, in the order of the columns below.
pub(super) type Named = (&'static str, &'static str, Is, &'static str, fn(&[u8]) -> bool);
/// Secrets without a form of their own that a name announces: kind, name, what is between, how the value begins, and what that
/// can't tell of the whole.
pub(super) const NAMED: &[Named] = &[
    // RFC 9110 §11.6.2: of known schemes whatever it is, of others what can't be a word.
    ("authorization", "authorization", Is::Any, r"(?:basic|bearer|digest|token)\s+(?P<v>[A-Za-z0-9+/=._~-]{6,})", |_| true),
    (
        "authorization",
        "(?:authorization|x-auth(?:-key)?)",
        Is::Any,
        r"(?:[A-Za-z][A-Za-z0-9_-]*\s+)?(?P<v>[A-Za-z0-9+/=._~:-]{16,})",
        is_mixed,
    ),
    // RFC 6265 §4: all of them, since nobody knows which of them is the session.
    ("cookie", r"(?:\b|\\[nrt])(?:set-)?cookie", Is::Header, r#"(?P<v>[^=\s"'\\\x00\[]{1,64}=[^\r\n"'\\\x00\x1B\[]{8,})"#, |_| true),
    // Whatever it is where it's quoted, or assigned without a blank.
    ("password", PASSWORD, Is::Quoted, r#"(?P<v>[^\s"'`\\<>{}\[\]()\x00\x1B])"#, is_password),
    ("password", PASSWORD, Is::Assigned, r#"(?P<v>[^\s"'`\\<>{}\[\](),;&|\x00\x1B]+)"#, is_password),
    ("password", PASSWORD, Is::Any, r#"(?P<v>[^\s"'`\\<>{}\[\](),;&|\x00\x1B]+)"#, is_long_and_mixed),
    ("password", r"(?:\b|\\[nrt])pass", Is::Quoted, r#"(?P<v>[^\s"'`\\<>{}\[\]()\x00\x1B])"#, is_mixed_and_no_variable),
    ("password", r"(?:\b|\\[nrt])pass", Is::Assigned, r#"(?P<v>[^\s"'`\\<>{}\[\](),;&|\x00\x1B]+)"#, is_mixed_and_no_variable),
    ("aws-secret-key", "secret[_-]?access[_-]?key", Is::Any, r"(?P<v>[A-Za-z0-9+/]{40})\b", is_mixed),
    ("secret", SECRET, Is::Any, r"(?P<v>[A-Za-z0-9+/=_.~-]{16,})", is_mixed),
    ("secret", SECRET, Is::Quoted, r#"(?P<v>[^\s"'`\\<>{}\[\]()\x00\x1B])"#, is_secret),
    ("secret", SECRET, Is::Assigned, r#"(?P<v>[^\s"'`\\<>{}\[\]()\x00\x1B][^\s"'`\\\x00\x1B]{15,})"#, is_secret),
    // Of registries, in Docker's configuration: base64 of user and password.
    ("secret", r#""auth"#, Is::Quoted, r"(?P<v>[A-Za-z0-9+/]{12,}={0,2})", is_mixed),
    ("secret", "client-key-data", Is::Any, r"(?P<v>[A-Za-z0-9+/]{32,}={0,2})", |_| true), // kubeconfig
];

/// Names of passwords.
const PASSWORD: &str = r"(?:password|passwd|passphrase|_pass|_pwd|;\s*pwd)";
/// Names of other secrets.
const SECRET: &str = "(?:secret|token|credential|_auth|_pat|(?:access|account|api|app|auth|client|encryption|master|pre-?shared|private|secret|\
    service|signing|subscription)[_-]?key|secret[_-]?key[_-]?base)";

/// What stands between a name and its value, in source, shells, YAML and JSON, and in JSON within JSON.
#[derive(Clone, Copy)]
pub(super) enum Is {
    /// A sign, whatever is around it.
    Any,
    /// A sign, and a value in quotes.
    Quoted,
    /// `=` and nothing else.
    Assigned,
    /// A colon, as in a header, and a value that holds blanks.
    Header,
}

impl Is {
    /// Returns the form. Tools that show names in colours put these around the sign, and around the quotes.
    pub(super) fn form(self) -> String {
        let (closed, sign, opened) = match self {
            Self::Any => (r#"(?P<c>\\*["'`])?\s*"#, "(?:=>|:=|[:=])", r#"\s*COLOURS(?P<q>\\*["'`])?"#),
            Self::Quoted => (r#"(?P<c>\\*["'`])?\s*"#, "(?:=>|:=|[:=])", r#"\s*COLOURS(?P<q>\\*["'`])"#),
            Self::Assigned => ("", "=", ""),
            Self::Header => (r#"(?:\\*["'`])?"#, ":", r#"\s*(?:\\*["'`])?"#),
        };
        format!("COLOURS{closed}COLOURS{sign}COLOURS{opened}COLOURS").replace("COLOURS", COLOURS)
    }

    pub(super) const fn reach(self) -> Reach {
        match self {
            Self::Any | Self::Quoted | Self::Assigned => Reach::Word,
            Self::Header => Reach::Form,
        }
    }
}

/// How far a secret reaches that isn't in quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// As far as its form.
    Form,
    /// To the next blank or quotation mark, whatever is before that.
    Word,
}

/// Returns true for what isn't a word: names and sentences have no digits, and numbers no letters.
fn is_mixed(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// Returns true for what isn't a variable's name: shells write these in one case, `$DB_PASSWORD`, or without digits.
fn is_no_variable(value: &[u8]) -> bool {
    let Some(name) = value.strip_prefix(b"$") else { return true };
    let is_name = name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') && !name.first().is_some_and(u8::is_ascii_digit);
    let is_usual = !name.iter().any(u8::is_ascii_lowercase) || !name.iter().any(u8::is_ascii_digit);
    !(is_name && is_usual)
}

/// Returns true for what no template puts a value in place of.
fn is_filled_in(value: &[u8]) -> bool {
    is_no_variable(value) && ![&b"${"[..], b"$(", b"#{", b"%("].iter().any(|begin| value.starts_with(begin))
}

fn is_mixed_and_no_variable(value: &[u8]) -> bool {
    value.len() >= 4 && is_mixed(value) && is_filled_in(value)
}

fn is_token(value: &[u8]) -> bool {
    value.len() >= 20 && is_mixed(value)
}

fn is_long_and_mixed(value: &[u8]) -> bool {
    value.len() >= 6 && is_mixed_and_no_variable(value)
}

fn is_password(value: &[u8]) -> bool {
    value.len() >= 4 && is_filled_in(value)
}

/// Returns true for a mixture that is no address.
fn is_secret(value: &[u8]) -> bool {
    value.len() >= 16 && is_mixed_and_no_variable(value) && !value.iter().any(u8::is_ascii_whitespace) && !contains(value, b"://")
}

/// Returns true for a mixture, or a word without a sign that paths and expressions have.
fn is_opaque(value: &[u8]) -> bool {
    is_secret(value) || value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// Returns true for what names no file.
fn is_no_path(value: &[u8]) -> bool {
    let begins = [&b"/"[..], b"./", b"../", b"~"].iter().any(|begin| value.starts_with(begin));
    !begins && ![&b".pem"[..], b".key", b".crt", b".json", b".txt", b".yaml", b".yml"].iter().any(|end| value.ends_with(end))
}

fn contains(value: &[u8], part: &[u8]) -> bool {
    value.windows(part.len()).any(|window| window == part)
}
