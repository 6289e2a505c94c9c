/* The whole way: a key file, a statement, a bundle, a question, a decision; and what must not be allowed.
 * Arguments: an encrypted private key, its passphrase, a statement, the bytes to sign, a signature over them, a policy
 * with the key in it.
 * Prints the allowing decision. */
#include <pthread.h>

#include "check.h"

#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OTHER "0000c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define QUESTION(sha256, at)                                                                                           \
    "{\"artifact\":{\"sha256\":\"" sha256 "\"},\"resource\":\"demo.tar\",\"environment\":\"staging\",\"at\":\"" at "\"}"

static countersign_signer *open_signer(const char *path, const char *passphrase) {
    countersign_signer *signer;
    FAILS(COUNTERSIGN_CODE_PASSPHRASE_NEEDED, signer, countersign_signer_open_file(path, strlen(path), NULL, 0, &signer));
    FAILS(COUNTERSIGN_CODE_PASSPHRASE_WRONG, signer,
          countersign_signer_open_file(path, strlen(path), TEXT("not this one"), &signer));
    FAILS(COUNTERSIGN_CODE_KEY_MISSING, signer, countersign_signer_open_file(TEXT("no/such.key"), NULL, 0, &signer));
    MUST(countersign_signer_open_file(path, strlen(path), passphrase, strlen(passphrase), &signer));
    return signer;
}

static countersign_policy *load_policy(const char *path) {
    content text = read_file(path);
    countersign_policy *policy = NULL;
    MUST(countersign_policy_parse(text.data, text.size, &policy));
    free(text.data);
    return policy;
}

/* Asks the question, and hands over the bundle wherever bundles are wanted; without one, says that there is none. */
static countersign_decision *decide(const char *question, const countersign_policy *policy, const void *bundle, size_t size) {
    countersign_inquiry *inquiry = NULL;
    countersign_bytes *wanted = NULL;
    countersign_decision *decision = NULL;
    MUST(countersign_inquiry_new(question, strlen(question), policy, &inquiry));
    for (;;) {
        MUST(countersign_inquiry_next(inquiry, &wanted));
        if (wanted == NULL) {
            break;
        }
        CHECK(strstr((const char *)countersign_bytes_data(wanted), "{\"bundles\":{\"digest\":\"sha256:") != NULL);
        countersign_bytes_free(wanted);
        if (size > 0) {
            MUST(countersign_inquiry_supply_bundle(inquiry, bundle, size));
        } else {
            MUST(countersign_inquiry_supply_nothing(inquiry));
        }
    }
    MUST(countersign_inquiry_decide(inquiry, &decision));
    countersign_inquiry_free(inquiry);
    CHECK(countersign_decision_allowed(decision) == (countersign_decision_answer(decision) == COUNTERSIGN_ANSWER_ALLOW));
    return decision;
}

static void signing_elsewhere_gives_the_same_bundle(content statement, content expected_to_sign, content signature,
                                                    const countersign_bytes *pem, const countersign_bytes *bundle) {
    countersign_bytes *payload = NULL, *to_sign = NULL, *completed = NULL;
    MUST(countersign_statement_from_json(statement.data, statement.size, &payload));
    const uint8_t *data = countersign_bytes_data(payload);
    size_t size = countersign_bytes_size(payload);
    MUST(countersign_prepare(data, size, &to_sign));
    CHECK(same(to_sign, expected_to_sign.data, expected_to_sign.size));
    const uint8_t *key = countersign_bytes_data(pem);
    size_t key_size = countersign_bytes_size(pem);
    MUST(countersign_complete(data, size, signature.data, signature.size, key, key_size, &completed));
    CHECK(same(completed, countersign_bytes_data(bundle), countersign_bytes_size(bundle)));
    countersign_bytes_free(completed);

    /* What a verifier would refuse isn't given out. */
    signature.data[signature.size - 1] ^= 1;
    FAILS(COUNTERSIGN_CODE_SIGNATURE_INVALID, completed,
          countersign_complete(data, size, signature.data, signature.size, key, key_size, &completed));
    FAILS(COUNTERSIGN_CODE_SIGNATURE_INVALID, completed, countersign_complete(data, size, NULL, 0, key, key_size, &completed));
    FAILS(COUNTERSIGN_CODE_PUBLIC_KEY_INVALID, completed,
          countersign_complete(data, size, signature.data, signature.size, key, key_size / 2, &completed));
    /* The statement as it was written isn't canonical: one statement, one payload. */
    FAILS(COUNTERSIGN_CODE_STATEMENT_INVALID, completed, countersign_prepare(statement.data, statement.size, &completed));
    countersign_bytes_free(to_sign);
    countersign_bytes_free(payload);
}

static void only_the_right_question_and_the_right_bytes_are_allowed(const countersign_policy *policy,
                                                                    const countersign_bytes *bundle) {
    const uint8_t *data = countersign_bytes_data(bundle);
    size_t size = countersign_bytes_size(bundle);
    countersign_decision *decision = decide(QUESTION(SHA256, "2026-01-01T00:00:00Z"), policy, data, size);
    CHECK(countersign_decision_allowed(decision));
    countersign_bytes *json = NULL;
    MUST(countersign_decision_json(decision, &json));
    CHECK(fwrite(countersign_bytes_data(json), 1, countersign_bytes_size(json), stdout) == countersign_bytes_size(json));
    countersign_bytes_free(json);
    countersign_decision_free(decision);

    decision = decide(QUESTION(OTHER, "2026-01-01T00:00:00Z"), policy, data, size);
    CHECK(countersign_decision_answer(decision) == COUNTERSIGN_ANSWER_DENY);
    countersign_decision_free(decision);

    decision = decide(QUESTION(SHA256, "2026-01-01T00:00:00Z"), policy, NULL, 0);
    CHECK(countersign_decision_answer(decision) == COUNTERSIGN_ANSWER_DENY);
    countersign_decision_free(decision);

    /* No byte of the bundle can be changed, or cut off, without losing the allowance. */
    uint8_t *tampered = malloc(size);
    CHECK(tampered != NULL);
    for (size_t at = 0; at < size; at += 7) {
        memcpy(tampered, data, size);
        tampered[at] ^= 1;
        decision = decide(QUESTION(SHA256, "2026-01-01T00:00:00Z"), policy, tampered, size);
        bool is_hint = countersign_decision_allowed(decision);
        countersign_decision_free(decision);
        /* The hint only selects a key, and proves nothing. */
        const char *hint = strstr((const char *)data, "\"hint\":\"");
        CHECK(hint != NULL);
        size_t start = (size_t)(hint - (const char *)data) + 8;
        CHECK(!is_hint || (at >= start && at < start + 44));
    }
    decision = decide(QUESTION(SHA256, "2026-01-01T00:00:00Z"), policy, data, size - 1);
    CHECK(!countersign_decision_allowed(decision));
    countersign_decision_free(decision);
    free(tampered);
}

static void questions_that_cannot_be_asked_have_codes(const countersign_policy *policy) {
    countersign_inquiry *inquiry;
    const char future[] = QUESTION(SHA256, "9999-12-31T00:00:00Z");
    FAILS(COUNTERSIGN_CODE_CLOCK_BEHIND_QUESTION, inquiry, countersign_inquiry_new(TEXT(future), policy, &inquiry));
    const char nowhere[] = "{\"artifact\":{\"sha256\":\"" SHA256 "\"},\"resource\":\"demo.tar\",\"environment\":\"moon\","
                           "\"at\":\"2026-01-01T00:00:00Z\"}";
    FAILS(COUNTERSIGN_CODE_ENVIRONMENT_UNKNOWN, inquiry, countersign_inquiry_new(TEXT(nowhere), policy, &inquiry));
    countersign_policy *loaded = NULL;
    countersign_error *error = countersign_policy_parse(TEXT("version: 1\nid: demo\nsigner: []\n"), &loaded);
    CHECK(countersign_error_code(error) == COUNTERSIGN_CODE_POLICY_INVALID);
    CHECK(strcmp(countersign_error_name(error), "policy-invalid") == 0);
    CHECK(strstr(countersign_error_message(error), "line 3") != NULL);
    countersign_error_free(error);
}

struct shared {
    const countersign_signer *signer;
    const countersign_policy *policy;
    const content *statement;
    const countersign_bytes *bundle;
};

static void *use_shared(void *argument) {
    const struct shared *shared = argument;
    for (int i = 0; i < 4; i++) {
        countersign_bytes *bundle = NULL;
        MUST(countersign_signer_attest(shared->signer, shared->statement->data, shared->statement->size, &bundle));
        CHECK(same(bundle, countersign_bytes_data(shared->bundle), countersign_bytes_size(shared->bundle)));
        countersign_decision *decision = decide(QUESTION(SHA256, "2026-01-01T00:00:00Z"), shared->policy,
                                                countersign_bytes_data(bundle), countersign_bytes_size(bundle));
        CHECK(countersign_decision_allowed(decision));
        countersign_decision_free(decision);
        countersign_bytes_free(bundle);
    }
    return NULL;
}

static void const_objects_serve_several_threads(struct shared shared) {
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, use_shared, &shared) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 7);
    countersign_signer *signer = open_signer(argv[1], argv[2]);
    content statement = read_file(argv[3]), to_sign = read_file(argv[4]), signature = read_file(argv[5]);
    countersign_bytes *pem = NULL, *bundle = NULL;
    MUST(countersign_signer_public_key_pem(signer, &pem));
    MUST(countersign_signer_attest(signer, statement.data, statement.size, &bundle));
    countersign_policy *policy = load_policy(argv[6]);

    signing_elsewhere_gives_the_same_bundle(statement, to_sign, signature, pem, bundle);
    only_the_right_question_and_the_right_bytes_are_allowed(policy, bundle);
    questions_that_cannot_be_asked_have_codes(policy);
    const_objects_serve_several_threads((struct shared){signer, policy, &statement, bundle});

    countersign_policy_free(policy);
    countersign_bytes_free(bundle);
    countersign_bytes_free(pem);
    countersign_signer_free(signer);
    free(statement.data);
    free(to_sign.data);
    free(signature.data);
    return 0;
}
