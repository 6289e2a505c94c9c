#!/bin/sh
# The main job, on real input: what an agent did is stated, signed, and decided upon; then two things are denied.
# Needs Rust and git. Everything it makes lies in a temporary folder, which it removes.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
echo "Building countersign; the first time takes some minutes" >&2
# Two keys on the disk sign here, so that the libraries of clouds needn't be built.
cargo build --locked --manifest-path "$top/Cargo.toml" -p countersign-cli --no-default-features
PATH=${CARGO_TARGET_DIR:-$top/target}/debug:$PATH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_DATA_HOME="$work/data" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
if [ -t 2 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold= plain=; fi
say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain" >&2; }
show() { printf '$ %s\n' "$*" >&2; "$@"; }

say "A repository in which an agent made the last commit"
git init --quiet --initial-branch=main "$work/demo"
cd "$work/demo"
git fast-import --quiet <"$top/testdata/demo/demo.fast-import"
git checkout --quiet main
git remote add origin https://example.test/demo
git log --oneline

say "Two keys: the platform's, where agents and builds run, and the maintainer's"
show countersign key generate --out "$work/platform" --no-passphrase
show countersign key generate --out "$work/maintainer" --type ed25519 --no-passphrase
public() { countersign key public "file:$work/$1.key" --format der-base64; }
sed -e "s|PLATFORM_KEY|$(public platform)|" -e "s|MAINTAINER_KEY|$(public maintainer)|" "$top/testdata/demo/policy.yaml" >"$work/policy.yaml"
show countersign policy check "$work/policy.yaml"

say "What the agent did, from its transcript: prompts and transcript go in sealed, by commitment only"
show countersign attest agent-run --subject git:HEAD --agent claude-code --signer "file:$work/platform.key" \
    --transcript "$top/testdata/transcripts/claude-code/greeting/00000000-0000-4000-8000-000000000001.jsonl" \
    --sandbox-image registry.example.test/sandbox@sha256:7d865e959b2466918c9863afca942d0fb89d7c9ac0c99bafc3749504ded97730 \
    --on-behalf-of maintainer@example.test

say "The build, watched"
show countersign run --signer "file:$work/platform.key" --artifact "$work/demo.tar" --sbom "$top/testdata/sbom/demo.cyclonedx.json" -- \
    git archive --output "$work/demo.tar" HEAD

say "What is in it, by the maintainer"
show countersign attest sbom --subject "$work/demo.tar" --sbom "$top/testdata/sbom/demo.cyclonedx.json" --signer "file:$work/maintainer.key"

say "May it run in staging?"
show countersign verify "$work/demo.tar" --policy "$work/policy.yaml" --environment staging

say "The same file with one byte more is denied"
mkdir "$work/tampered"
{ cat "$work/demo.tar"; printf x; } >"$work/tampered/demo.tar"
show countersign verify "$work/tampered/demo.tar" --policy "$work/policy.yaml" --environment staging || denied=$?
[ "${denied:-0}" = 1 ]

say "A right signature by somebody without authority is denied: the maintainer attests SBOMs, not builds"
git archive --output "$work/other.tar" --prefix=other/ HEAD
mkdir "$work/unauthorised"
mv "$work/other.tar" "$work/unauthorised/demo.tar"
show countersign attest build --subject "$work/unauthorised/demo.tar" --source HEAD --signer "file:$work/maintainer.key"
denied=0
show countersign verify "$work/unauthorised/demo.tar" --policy "$work/policy.yaml" --environment staging || denied=$?
[ "$denied" = 1 ]
say "Done: one artifact allowed, two denied, each with its reasons"
