/* Runs one case: cases QUESTION POLICY [--explain|--why-not] [--trust ROOT]... [--digest DIGEST]... [--object ID FILE]... [BUNDLE]...
 * QUESTION is JSON; the others are files. DIGEST is one more digest of the artifact. FILE holds a git object as git stores
 * it: `<type> <length>`, a zero, the content. Prints the decision in a line, with --explain or --why-not what is told of it in
 * another, or the name of the error on stderr.
 * Exits with 0 for allow, 1 for deny, 2 for undetermined, 3 for an error. */
#include "check.h"

static void refuse(countersign_error *error) {
    if (error != NULL) {
        fprintf(stderr, "%s\n", countersign_error_name(error));
        countersign_error_free(error);
        exit(3);
    }
}

/* Hands over every bundle: which of them are about what is wanted is for the inquiry to find out. */
static void supply_bundles(countersign_inquiry *inquiry, int argc, char **argv) {
    bool any = false;
    for (int i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--digest") == 0 || strcmp(argv[i], "--trust") == 0) {
            i += 1;
        } else if (strcmp(argv[i], "--object") == 0) {
            i += 2;
        } else if (strcmp(argv[i], "--explain") != 0 && strcmp(argv[i], "--why-not") != 0) {
            content bundle = read_file(argv[i]);
            refuse(countersign_inquiry_supply_bundle(inquiry, bundle.data, bundle.size));
            free(bundle.data);
            any = true;
        }
    }
    if (!any) {
        refuse(countersign_inquiry_supply_nothing(inquiry));
    }
}

/* Hands over the digest of the wanted algorithm, if it's among the arguments. */
static void supply_digest(countersign_inquiry *inquiry, const char *algorithm, size_t length, int argc, char **argv) {
    for (int i = 3; i + 1 < argc; i++) {
        const char *digest = argv[i + 1];
        if (strcmp(argv[i], "--digest") == 0 && strncmp(digest, algorithm, length) == 0 && digest[length] == ':') {
            refuse(countersign_inquiry_supply_digest(inquiry, digest, strlen(digest)));
            return;
        }
    }
    refuse(countersign_inquiry_supply_nothing(inquiry));
}

static void supply_object(countersign_inquiry *inquiry, const char *id, size_t length, int argc, char **argv) {
    for (int i = 3; i + 2 < argc; i++) {
        if (strcmp(argv[i], "--object") == 0 && strlen(argv[i + 1]) == length && strncmp(argv[i + 1], id, length) == 0) {
            content object = read_file(argv[i + 2]);
            uint8_t *zero = memchr(object.data, 0, object.size);
            CHECK(zero != NULL);
            size_t header = (size_t)(zero - object.data) + 1;
            refuse(countersign_inquiry_supply_object(inquiry, object.data + header, object.size - header));
            free(object.data);
            return;
        }
    }
    refuse(countersign_inquiry_supply_nothing(inquiry));
}

int main(int argc, char **argv) {
    CHECK(argc >= 3);
    content text = read_file(argv[2]);
    countersign_policy *policy = NULL;
    refuse(countersign_policy_parse(text.data, text.size, &policy));
    free(text.data);
    countersign_inquiry *inquiry = NULL;
    refuse(countersign_inquiry_new(argv[1], strlen(argv[1]), policy, &inquiry));
    countersign_policy_free(policy);
    for (int i = 3; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--trust") == 0) {
            content root = read_file(argv[i + 1]);
            refuse(countersign_inquiry_trust(inquiry, root.data, root.size));
            free(root.data);
        }
    }

    static const char artifact_digest[] = "{\"artifactDigest\":\"", git_object[] = "{\"gitObject\":\"";
    for (;;) {
        countersign_bytes *wanted = NULL;
        refuse(countersign_inquiry_next(inquiry, &wanted));
        if (wanted == NULL) {
            break;
        }
        const char *json = (const char *)countersign_bytes_data(wanted);
        if (strncmp(json, artifact_digest, sizeof artifact_digest - 1) == 0) {
            const char *algorithm = json + sizeof artifact_digest - 1;
            supply_digest(inquiry, algorithm, strcspn(algorithm, "\""), argc, argv);
        } else if (strncmp(json, git_object, sizeof git_object - 1) == 0) {
            const char *id = json + sizeof git_object - 1;
            supply_object(inquiry, id, strcspn(id, "\""), argc, argv);
        } else {
            supply_bundles(inquiry, argc, argv);
        }
        countersign_bytes_free(wanted);
    }

    countersign_decision *decision = NULL;
    countersign_bytes *json = NULL, *told = NULL;
    if (argc > 3 && strcmp(argv[3], "--explain") == 0) {
        refuse(countersign_inquiry_explain(inquiry, &decision, &told));
    } else if (argc > 3 && strcmp(argv[3], "--why-not") == 0) {
        refuse(countersign_inquiry_why_not(inquiry, &decision, &told));
    } else {
        refuse(countersign_inquiry_decide(inquiry, &decision));
    }
    countersign_inquiry_free(inquiry);
    refuse(countersign_decision_json(decision, &json));
    printf("%s\n", (const char *)countersign_bytes_data(json));
    countersign_bytes_free(json);
    if (told != NULL) {
        printf("%s\n", (const char *)countersign_bytes_data(told));
        countersign_bytes_free(told);
    }
    countersign_answer answer = countersign_decision_answer(decision);
    CHECK(countersign_decision_allowed(decision) == (answer == COUNTERSIGN_ANSWER_ALLOW));
    countersign_decision_free(decision);
    return answer == COUNTERSIGN_ANSWER_ALLOW ? 0 : answer == COUNTERSIGN_ANSWER_DENY ? 1 : 2;
}
