// Native libsoxr and libspeexdsp for the bench, int16 in and out, one channel, 20 ms at a time.
//   resample version NAME
//   resample serve                    lines "NAME INPUT_RATE OUTPUT_RATE COUNT": ns in all for so many chunks
//   resample audio NAME IN OUT        samples on stdin; on stdout, for each chunk, how many came and they themselves
//   resample memory NAME IN OUT N     resident bytes of each of N streams
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifndef NO_SOXR
#include <soxr.h>
#endif
#ifndef NO_SPEEXDSP
#include <speex/speex_resampler.h>
#endif

#define CAPACITY 8192
static int16_t input[CAPACITY], output[CAPACITY];

typedef struct {
  void *state;
  size_t (*process)(void *state, const int16_t *samples, size_t count);
  void (*close)(void *state);
} Stream;

#ifndef NO_SOXR
static size_t soxr_chunk(void *state, const int16_t *samples, size_t count) {
  size_t used, made;
  soxr_process(state, samples, count, &used, output, CAPACITY, &made);
  return made;
}
static void soxr_end(void *state) { soxr_delete(state); }
#endif

#ifndef NO_SPEEXDSP
static size_t speex_chunk(void *state, const int16_t *samples, size_t count) {
  spx_uint32_t used = count, made = CAPACITY;
  speex_resampler_process_int(state, 0, samples, &used, output, &made);
  return made;
}
static void speex_end(void *state) { speex_resampler_destroy(state); }
#endif

static Stream open_stream(const char *name, int input_rate, int output_rate) {
#ifndef NO_SOXR
  if (strcmp(name, "libsoxr") == 0) {
    soxr_io_spec_t io = soxr_io_spec(SOXR_INT16_I, SOXR_INT16_I);
    soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
    soxr_error_t error;
    void *state = soxr_create(input_rate, output_rate, 1, &error, &io, &quality, &runtime);
    return (Stream){state, soxr_chunk, soxr_end};
  }
#endif
#ifndef NO_SPEEXDSP
  if (strcmp(name, "libspeexdsp") == 0) {
    int error;
    void *state = speex_resampler_init(1, input_rate, output_rate, 7, &error);
    return (Stream){state, speex_chunk, speex_end};
  }
#endif
  fprintf(stderr, "no %s\n", name);
  exit(2);
}

// Samples of the n-th 20 ms: 220 and 221 in turns at 11025 Hz.
static size_t chunk_length(long rate, long index) { return (index + 1) * rate / 50 - index * rate / 50; }

static double now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

static long resident_bytes(void) {
  long pages = -1;
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%*s %ld", &pages) != 1) return -1;
  fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

static int serve(void) {
  char name[32];
  long input_rate, output_rate, count;
  while (scanf("%31s %ld %ld %ld", name, &input_rate, &output_rate, &count) == 4) {
    Stream stream = open_stream(name, input_rate, output_rate);
    for (long i = 0; i < 32; i++) stream.process(stream.state, input, chunk_length(input_rate, i));
    double start = now_ns();
    for (long i = 0; i < count; i++) stream.process(stream.state, input, chunk_length(input_rate, i));
    printf("%.0f\n", now_ns() - start);
    fflush(stdout);
    stream.close(stream.state);
  }
  return 0;
}

static int audio(Stream stream, long input_rate) {
  for (long i = 0;; i++) {
    size_t count = fread(input, 2, chunk_length(input_rate, i), stdin);
    if (count == 0) return 0;
    uint32_t made = stream.process(stream.state, input, count);
    fwrite(&made, 4, 1, stdout);
    fwrite(output, 2, made, stdout);
  }
}

static int memory(const char *name, long input_rate, long output_rate, long streams) {
  long before = 0;
  // The first one brings the library's own tables.
  for (long n = 0; n <= streams; n++) {
    if (n == 1) before = resident_bytes();
    Stream stream = open_stream(name, input_rate, output_rate);
    for (long i = 0; i < 8; i++) stream.process(stream.state, input, chunk_length(input_rate, i));
  }
  if (before < 0) return 1;
  printf("%ld\n", (resident_bytes() - before) / streams);
  return 0;
}

int main(int argc, char **argv) {
  for (int i = 0; i < CAPACITY; i++) input[i] = (int16_t)(12000 * sin(i * 0.11) + 8000 * sin(i * 0.71));
#ifndef NO_SOXR
  if (argc == 3 && strcmp(argv[1], "version") == 0 && strcmp(argv[2], "libsoxr") == 0) return puts(soxr_version()) < 0;
#endif
  if (argc == 2 && strcmp(argv[1], "serve") == 0) return serve();
  if (argc == 5 && strcmp(argv[1], "audio") == 0) {
    return audio(open_stream(argv[2], atoi(argv[3]), atoi(argv[4])), atoi(argv[3]));
  }
  if (argc == 6 && strcmp(argv[1], "memory") == 0) {
    return memory(argv[2], atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
  }
  fprintf(stderr, "usage: see the first lines of resample.c\n");
  return 2;
}
