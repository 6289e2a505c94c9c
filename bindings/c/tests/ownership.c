/* Who owns what, and what becomes of sloppy calls: NULL, sizes without data, zeros, broken UTF-8, garbage in outputs.
 * Run under a sanitizer or Valgrind it also shows that each object is freed once, and nothing is read that wasn't set.
 * Argument: a private key without a passphrase. */
#include "check.h"

uint32_t second_unit(void);

static const char POLICY[] = "version: 1\n"
                             "id: demo\n"
                             "time: unwitnessed\n"
                             "signers:\n"
                             "  - id: tester\n"
                             "    kind: automation\n"
                             "    key: MCowBQYDK2VwAyEAgTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=\n"
                             "    mayAttest: [{predicate: \"https://example.test/tested/v1\", ceiling: harness}]\n"
                             "resources:\n"
                             "  - match: demo.tar\n"
                             "    builders: [{signer: tester, builderId: \"https://example.test/builder\","
                             " buildTypes: [\"https://countersign.dev/local-build/v1\"]}]\n"
                             "environments: {staging: {requirements: [tested]}}\n"
                             "requirements:\n"
                             "  - {id: tested, kind: evidence, about: artifact, predicate: \"https://example.test/tested/v1\"}\n";
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
static const char QUESTION[] =
    "{\"artifact\":{\"sha256\":\"" SHA256 "\"},\"resource\":\"demo.tar\",\"environment\":null,\"at\":\"2026-01-01T00:00:00Z\"}";
static const char STATEMENT[] = "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"demo.tar\",\"digest\":"
                                "{\"sha256\":\"" SHA256 "\"}}],\"predicateType\":\"https://example.test/tested/v1\",\"predicate\":{}}";
static const char BROKEN[] = {'"', (char)0xC3, (char)0x28, '"'};
static const char ZERO[] = {'a', 0, 'b'};

static countersign_policy *policy(void) {
    countersign_policy *made = NULL;
    MUST(countersign_policy_parse(POLICY, sizeof POLICY - 1, &made));
    return made;
}

static countersign_inquiry *inquiry(void) {
    countersign_policy *under = policy();
    countersign_inquiry *begun = NULL;
    MUST(countersign_inquiry_new(QUESTION, sizeof QUESTION - 1, under, &begun));
    /* The inquiry keeps what it needs. */
    countersign_policy_free(under);
    return begun;
}

static void null_objects_are_harmless(void) {
    countersign_error_free(NULL);
    countersign_bytes_free(NULL);
    countersign_signer_free(NULL);
    countersign_policy_free(NULL);
    countersign_inquiry_free(NULL);
    countersign_decision_free(NULL);
    CHECK(countersign_error_code(NULL) == COUNTERSIGN_CODE_NONE);
    CHECK(COUNTERSIGN_CODE_NONE == 0);
    CHECK(strcmp(countersign_error_name(NULL), "none") == 0);
    CHECK(strcmp(countersign_error_message(NULL), "") == 0);
    CHECK(countersign_bytes_data(NULL) == NULL);
    CHECK(countersign_bytes_size(NULL) == 0);
    CHECK(!countersign_decision_allowed(NULL));
    CHECK(countersign_decision_answer(NULL) == COUNTERSIGN_ANSWER_NONE);
}

static void null_arguments_are_misuse_and_clear_the_output(void) {
    countersign_bytes *bytes;
    countersign_inquiry *begun;
    countersign_decision *decision;
    FAILS(COUNTERSIGN_CODE_MISUSE, bytes, countersign_signer_public_key_pem(NULL, &bytes));
    FAILS(COUNTERSIGN_CODE_MISUSE, bytes, countersign_signer_attest(NULL, TEXT(STATEMENT), &bytes));
    FAILS(COUNTERSIGN_CODE_MISUSE, begun, countersign_inquiry_new(TEXT(QUESTION), NULL, &begun));
    FAILS(COUNTERSIGN_CODE_MISUSE, bytes, countersign_inquiry_next(NULL, &bytes));
    FAILS(COUNTERSIGN_CODE_MISUSE, decision, countersign_inquiry_decide(NULL, &decision));
    memset(&bytes, 0xAA, sizeof bytes);
    FAILS(COUNTERSIGN_CODE_MISUSE, decision, countersign_inquiry_explain(NULL, &decision, &bytes));
    CHECK(bytes == NULL);
    memset(&bytes, 0xAA, sizeof bytes);
    FAILS(COUNTERSIGN_CODE_MISUSE, decision, countersign_inquiry_why_not(NULL, &decision, &bytes));
    CHECK(bytes == NULL);
    FAILS(COUNTERSIGN_CODE_MISUSE, bytes, countersign_decision_json(NULL, &bytes));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_bundle(NULL, TEXT("x")));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_digest(NULL, TEXT("x")));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_object(NULL, TEXT("x")));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_nothing(NULL));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_unavailable(NULL, TEXT("x")));
}

static void null_outputs_are_misuse(const countersign_signer *signer, const char *path) {
    countersign_policy *under = policy();
    countersign_inquiry *begun = inquiry();
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_statement_from_json(TEXT(STATEMENT), NULL));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_prepare(TEXT(STATEMENT), NULL));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_complete(TEXT(STATEMENT), TEXT("s"), TEXT("k"), NULL));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_signer_open_file(path, strlen(path), NULL, 0, NULL));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_signer_public_key_pem(signer, NULL));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_signer_attest(signer, TEXT(STATEMENT), NULL));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_policy_parse(TEXT(POLICY), NULL));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_new(TEXT(QUESTION), under, NULL));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_next(begun, NULL));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_decide(begun, NULL));
    countersign_bytes *wanted;
    countersign_decision *decision = NULL;
    FAILS(COUNTERSIGN_CODE_MISUSE, wanted, countersign_inquiry_explain(begun, NULL, &wanted));
    FAILS(COUNTERSIGN_CODE_MISUSE, decision, countersign_inquiry_explain(begun, &decision, NULL));
    FAILS(COUNTERSIGN_CODE_MISUSE, wanted, countersign_inquiry_why_not(begun, NULL, &wanted));
    FAILS(COUNTERSIGN_CODE_MISUSE, decision, countersign_inquiry_why_not(begun, &decision, NULL));
    /* None of the calls has changed the inquiry. */
    memset(&wanted, 0xAA, sizeof wanted);
    MUST(countersign_inquiry_next(begun, &wanted));
    CHECK(wanted != NULL);
    MUST(countersign_inquiry_decide(begun, &decision));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_decision_json(decision, NULL));
    countersign_decision_free(decision);
    countersign_bytes_free(wanted);
    countersign_inquiry_free(begun);
    countersign_policy_free(under);
}

static void sizes_without_data_are_misuse(const countersign_signer *signer, const char *path) {
    countersign_bytes *bytes;
    countersign_signer *opened;
    countersign_policy *loaded, *under = policy();
    countersign_inquiry *begun = inquiry(), *other;
    const size_t sizes[] = {1, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t size = sizes[i];
        FAILS(COUNTERSIGN_CODE_MISUSE, bytes, countersign_statement_from_json(NULL, size, &bytes));
        FAILS(COUNTERSIGN_CODE_MISUSE, bytes, countersign_prepare(NULL, size, &bytes));
        FAILS(COUNTERSIGN_CODE_MISUSE, bytes, countersign_complete(NULL, size, TEXT("s"), TEXT("k"), &bytes));
        FAILS(COUNTERSIGN_CODE_MISUSE, bytes, countersign_complete(TEXT("p"), NULL, size, TEXT("k"), &bytes));
        FAILS(COUNTERSIGN_CODE_MISUSE, bytes, countersign_complete(TEXT("p"), TEXT("s"), NULL, size, &bytes));
        FAILS(COUNTERSIGN_CODE_MISUSE, opened, countersign_signer_open_file(NULL, size, NULL, 0, &opened));
        FAILS(COUNTERSIGN_CODE_MISUSE, opened, countersign_signer_open_file(path, strlen(path), NULL, size, &opened));
        FAILS(COUNTERSIGN_CODE_MISUSE, bytes, countersign_signer_attest(signer, NULL, size, &bytes));
        FAILS(COUNTERSIGN_CODE_MISUSE, loaded, countersign_policy_parse(NULL, size, &loaded));
        FAILS(COUNTERSIGN_CODE_MISUSE, other, countersign_inquiry_new(NULL, size, under, &other));
        REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_bundle(begun, NULL, size));
        REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_digest(begun, NULL, size));
        REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_object(begun, NULL, size));
        REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_unavailable(begun, NULL, size));
    }
    FAILS(COUNTERSIGN_CODE_MISUSE, loaded, countersign_policy_parse(POLICY, SIZE_MAX, &loaded));
    /* NULL with the size 0 is no bytes, which is bad data and not misuse. */
    FAILS(COUNTERSIGN_CODE_STATEMENT_INVALID, bytes, countersign_statement_from_json(NULL, 0, &bytes));
    FAILS(COUNTERSIGN_CODE_STATEMENT_INVALID, bytes, countersign_prepare(NULL, 0, &bytes));
    FAILS(COUNTERSIGN_CODE_STATEMENT_INVALID, bytes, countersign_complete(NULL, 0, NULL, 0, NULL, 0, &bytes));
    FAILS(COUNTERSIGN_CODE_KEY_MISSING, opened, countersign_signer_open_file(NULL, 0, NULL, 0, &opened));
    FAILS(COUNTERSIGN_CODE_POLICY_INVALID, loaded, countersign_policy_parse(NULL, 0, &loaded));
    FAILS(COUNTERSIGN_CODE_QUESTION_INVALID, other, countersign_inquiry_new(NULL, 0, under, &other));
    countersign_inquiry_free(begun);
    countersign_policy_free(under);
}

static void zeros_and_broken_utf_8_are_refused(const countersign_signer *signer) {
    countersign_bytes *bytes;
    countersign_signer *opened;
    countersign_policy *loaded, *under = policy();
    countersign_inquiry *begun = inquiry(), *other;
    FAILS(COUNTERSIGN_CODE_MISUSE, opened, countersign_signer_open_file(BROKEN, sizeof BROKEN, NULL, 0, &opened));
    FAILS(COUNTERSIGN_CODE_MISUSE, opened, countersign_signer_open_file(TEXT("x"), BROKEN, sizeof BROKEN, &opened));
    FAILS(COUNTERSIGN_CODE_STATEMENT_INVALID, bytes, countersign_statement_from_json(BROKEN, sizeof BROKEN, &bytes));
    FAILS(COUNTERSIGN_CODE_STATEMENT_INVALID, bytes, countersign_signer_attest(signer, BROKEN, sizeof BROKEN, &bytes));
    FAILS(COUNTERSIGN_CODE_POLICY_INVALID, loaded, countersign_policy_parse(BROKEN, sizeof BROKEN, &loaded));
    FAILS(COUNTERSIGN_CODE_QUESTION_INVALID, other, countersign_inquiry_new(BROKEN, sizeof BROKEN, under, &other));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_unavailable(begun, BROKEN, sizeof BROKEN));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_digest(begun, BROKEN, sizeof BROKEN));

    FAILS(COUNTERSIGN_CODE_KEY_FAILED, opened, countersign_signer_open_file(ZERO, sizeof ZERO, NULL, 0, &opened));
    FAILS(COUNTERSIGN_CODE_POLICY_INVALID, loaded, countersign_policy_parse(ZERO, sizeof ZERO, &loaded));
    FAILS(COUNTERSIGN_CODE_QUESTION_INVALID, other, countersign_inquiry_new(ZERO, sizeof ZERO, under, &other));
    /* A size that counts the zero at the end of a C string is told by an error, not guessed. */
    FAILS(COUNTERSIGN_CODE_STATEMENT_INVALID, bytes,
          countersign_statement_from_json(STATEMENT, sizeof STATEMENT, &bytes));
    countersign_inquiry_free(begun);
    countersign_policy_free(under);
}

static void a_zero_in_a_reason_is_kept(void) {
    countersign_inquiry *begun = inquiry();
    countersign_bytes *wanted = NULL, *json = NULL;
    countersign_decision *decision = NULL;
    MUST(countersign_inquiry_next(begun, &wanted));
    MUST(countersign_inquiry_supply_unavailable(begun, ZERO, sizeof ZERO));
    countersign_bytes_free(wanted);
    MUST(countersign_inquiry_decide(begun, &decision));
    CHECK(countersign_decision_answer(decision) == COUNTERSIGN_ANSWER_UNDETERMINED);
    MUST(countersign_decision_json(decision, &json));
    /* A zero follows the last byte, so that text can be treated as such. */
    CHECK(countersign_bytes_data(json)[countersign_bytes_size(json)] == 0);
    CHECK(strstr((const char *)countersign_bytes_data(json), "\"detail\":\"a\\u0000b\"") != NULL);
    countersign_bytes_free(json);
    countersign_decision_free(decision);
    countersign_inquiry_free(begun);
}

static void calls_at_the_wrong_time_are_misuse(void) {
    countersign_inquiry *begun = inquiry();
    countersign_bytes *wanted;
    countersign_decision *decision;
    /* Nothing is wanted yet. */
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_nothing(begun));
    memset(&wanted, 0xAA, sizeof wanted);
    MUST(countersign_inquiry_next(begun, &wanted));
    CHECK(strncmp((const char *)countersign_bytes_data(wanted), "{\"bundles\":", 11) == 0);
    countersign_bytes_free(wanted);
    /* Something else is wanted. */
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_digest(begun, TEXT("sha256:" SHA256)));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_object(begun, TEXT("tree ")));
    /* That didn't end the wanting. */
    MUST(countersign_inquiry_supply_nothing(begun));
    memset(&wanted, 0xAA, sizeof wanted);
    MUST(countersign_inquiry_next(begun, &wanted));
    CHECK(wanted == NULL);
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_nothing(begun));
    memset(&decision, 0xAA, sizeof decision);
    MUST(countersign_inquiry_decide(begun, &decision));
    CHECK(countersign_decision_answer(decision) == COUNTERSIGN_ANSWER_DENY);
    CHECK(!countersign_decision_allowed(decision));
    countersign_decision_free(decision);
    /* It has decided. */
    FAILS(COUNTERSIGN_CODE_MISUSE, decision, countersign_inquiry_decide(begun, &decision));
    FAILS(COUNTERSIGN_CODE_MISUSE, wanted, countersign_inquiry_next(begun, &wanted));
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_supply_bundle(begun, TEXT("{}")));
    countersign_inquiry_free(begun);
}

/* Both outputs are the caller's, and outlive the inquiry, which has decided. */
static void what_explains_decides_too(void) {
    for (int i = 0; i < 2; i++) {
        countersign_inquiry *begun = inquiry();
        countersign_bytes *wanted, *told, *json = NULL;
        countersign_decision *decision;
        memset(&wanted, 0xAA, sizeof wanted);
        MUST(countersign_inquiry_next(begun, &wanted));
        MUST(countersign_inquiry_supply_nothing(begun));
        countersign_bytes_free(wanted);
        memset(&decision, 0xAA, sizeof decision);
        memset(&told, 0xAA, sizeof told);
        if (i == 0) {
            MUST(countersign_inquiry_explain(begun, &decision, &told));
        } else {
            MUST(countersign_inquiry_why_not(begun, &decision, &told));
        }
        countersign_bytes *none;
        FAILS(COUNTERSIGN_CODE_MISUSE, wanted, countersign_inquiry_next(begun, &wanted));
        memset(&none, 0xAA, sizeof none);
        countersign_decision *again;
        FAILS(COUNTERSIGN_CODE_MISUSE, again, countersign_inquiry_why_not(begun, &again, &none));
        CHECK(none == NULL);
        countersign_inquiry_free(begun);
        CHECK(countersign_decision_answer(decision) == COUNTERSIGN_ANSWER_DENY);
        MUST(countersign_decision_json(decision, &json));
        CHECK(countersign_bytes_data(told)[countersign_bytes_size(told)] == 0);
        CHECK(strstr((const char *)countersign_bytes_data(told), (const char *)countersign_bytes_data(json)) != NULL);
        countersign_bytes_free(json);
        countersign_bytes_free(told);
        countersign_decision_free(decision);
    }
}

static void the_public_good_root_is_built_in(void) {
    static const char by_identity[] =
        "version: 1\nid: demo\nsigners:\n  - id: tester\n    kind: automation\n"
        "    identity: {issuer: \"https://accounts.example.test\", subject: tester@example.test, trustRoot: public-good}\n"
        "    mayAttest: [{predicate: \"https://example.test/tested/v1\", ceiling: harness}]\n"
        "resources:\n  - match: demo.tar\n    builders: [{signer: tester, builderId: \"https://example.test/builder\","
        " buildTypes: [\"https://countersign.dev/local-build/v1\"]}]\n"
        "environments: {staging: {requirements: [tested]}}\n"
        "requirements: [{id: tested, kind: evidence, about: artifact, predicate: \"https://example.test/tested/v1\"}]\n";
    countersign_policy *under = NULL;
    countersign_inquiry *begun = NULL;
    countersign_bytes *wanted = NULL, *json = NULL;
    countersign_decision *decision = NULL;
    MUST(countersign_policy_parse(TEXT(by_identity), &under));
    MUST(countersign_inquiry_new(TEXT(QUESTION), under, &begun));
    countersign_policy_free(under);
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_trust_public_good(NULL));
    FAILS(COUNTERSIGN_CODE_TRUST_MISSING, wanted, countersign_inquiry_next(begun, &wanted));
    MUST(countersign_inquiry_trust_public_good(begun));
    MUST(countersign_inquiry_next(begun, &wanted));
    CHECK(wanted != NULL);
    REFUSES(COUNTERSIGN_CODE_MISUSE, countersign_inquiry_trust_public_good(begun));
    MUST(countersign_inquiry_supply_nothing(begun));
    MUST(countersign_inquiry_decide(begun, &decision));
    CHECK(countersign_decision_answer(decision) == COUNTERSIGN_ANSWER_DENY);
    MUST(countersign_decision_json(decision, &json));
    CHECK(strstr((const char *)countersign_bytes_data(json), "\"trust\":[{\"sha256\":\"") != NULL);
    countersign_bytes_free(json);
    countersign_bytes_free(wanted);
    countersign_decision_free(decision);
    countersign_inquiry_free(begun);
}

static void what_succeeds_overwrites_garbage_without_reading_it(const char *path) {
    countersign_signer *signer;
    countersign_bytes *payload, *to_sign, *pem, *bundle;
    countersign_policy *loaded;
    memset(&signer, 0xAA, sizeof signer);
    memset(&payload, 0xAA, sizeof payload);
    memset(&to_sign, 0xAA, sizeof to_sign);
    memset(&pem, 0xAA, sizeof pem);
    memset(&bundle, 0xAA, sizeof bundle);
    memset(&loaded, 0xAA, sizeof loaded);
    MUST(countersign_signer_open_file(path, strlen(path), NULL, 0, &signer));
    MUST(countersign_statement_from_json(TEXT(STATEMENT), &payload));
    MUST(countersign_prepare(countersign_bytes_data(payload), countersign_bytes_size(payload), &to_sign));
    MUST(countersign_signer_public_key_pem(signer, &pem));
    MUST(countersign_signer_attest(signer, TEXT(STATEMENT), &bundle));
    MUST(countersign_policy_parse(TEXT(POLICY), &loaded));
    countersign_policy_free(loaded);
    countersign_bytes_free(bundle);
    countersign_bytes_free(pem);
    countersign_bytes_free(to_sign);
    countersign_bytes_free(payload);
    countersign_signer_free(signer);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    CHECK(strcmp(countersign_version(), COUNTERSIGN_VERSION) == 0);
    CHECK(countersign_abi_version() == COUNTERSIGN_ABI_VERSION);
    CHECK(second_unit() == COUNTERSIGN_ABI_VERSION);
    countersign_signer *signer = NULL;
    MUST(countersign_signer_open_file(argv[1], strlen(argv[1]), NULL, 0, &signer));
    null_objects_are_harmless();
    null_arguments_are_misuse_and_clear_the_output();
    null_outputs_are_misuse(signer, argv[1]);
    sizes_without_data_are_misuse(signer, argv[1]);
    zeros_and_broken_utf_8_are_refused(signer);
    a_zero_in_a_reason_is_kept();
    calls_at_the_wrong_time_are_misuse();
    what_explains_decides_too();
    the_public_good_root_is_built_in();
    what_succeeds_overwrites_garbage_without_reading_it(argv[1]);
    countersign_signer_free(signer);
    return 0;
}
