/* What the C tests share: checks that say where they failed, files, and slots full of garbage. It tests nothing itself. */
#ifndef COUNTERSIGN_TESTS_CHECK_H
#define COUNTERSIGN_TESTS_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "countersign.h"

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                                    \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* The call succeeds. */
#define MUST(call) must((call), #call, __FILE__, __LINE__)

/* The call fails with this code, and leaves NULL in the slot that was full of garbage. */
#define FAILS(expected, slot, call)                                                                                    \
    do {                                                                                                               \
        memset(&(slot), 0xAA, sizeof(slot));                                                                           \
        expect_code((call), (expected), #call, __FILE__, __LINE__);                                                    \
        CHECK((slot) == NULL);                                                                                         \
    } while (0)

/* The call, which has no output, or none that could be written, fails with this code. */
#define REFUSES(expected, call) expect_code((call), (expected), #call, __FILE__, __LINE__)

/* A text without its NUL, as a pointer and a size. */
#define TEXT(literal) (literal), (sizeof(literal) - 1)

static inline void must(countersign_error *error, const char *call, const char *file, int line) {
    if (error != NULL) {
        fprintf(stderr, "%s:%d: %s: %s (%s)\n", file, line, call, countersign_error_message(error),
                countersign_error_name(error));
        countersign_error_free(error);
        exit(1);
    }
}

static inline void expect_code(countersign_error *error, countersign_code expected, const char *call, const char *file,
                               int line) {
    const char *message = countersign_error_message(error);
    if (countersign_error_code(error) != expected || strlen(message) == 0 || strchr(message, '\n') != NULL) {
        fprintf(stderr, "%s:%d: %s: expected code %u, and got %u (%s): %s\n", file, line, call, (unsigned)expected,
                (unsigned)countersign_error_code(error), countersign_error_name(error), message);
        countersign_error_free(error);
        exit(1);
    }
    countersign_error_free(error);
}

/* A whole file; the caller frees it. */
typedef struct {
    uint8_t *data;
    size_t size;
} content;

static inline content read_file(const char *path) {
    content file = {NULL, 0};
    FILE *stream = fopen(path, "rb");
    CHECK(stream != NULL);
    CHECK(fseek(stream, 0, SEEK_END) == 0);
    long size = ftell(stream);
    CHECK(size >= 0);
    rewind(stream);
    file.size = (size_t)size;
    file.data = malloc(file.size + 1);
    CHECK(file.data != NULL);
    CHECK(fread(file.data, 1, file.size, stream) == file.size);
    file.data[file.size] = 0;
    CHECK(fclose(stream) == 0);
    return file;
}

static inline bool same(const countersign_bytes *bytes, const void *data, size_t size) {
    return countersign_bytes_size(bytes) == size && memcmp(countersign_bytes_data(bytes), data, size) == 0;
}

#endif
