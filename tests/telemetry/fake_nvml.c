/* libnvidia-ml.so.1 as a test wants it: every call reads the file named by FAKE_NVML_FILE anew.
 *
 * Lines are "KEY VALUE". A value that begins with "!" is the error number that the call returns; a
 * missing key is answered with NOT_SUPPORTED. While there is a line "hang 1", every call waits.
 * The number of devices is taken at nvmlInit, as the real library does.
 *
 *   init !9 | count 2 | driver 570.86 | 0.handle !15 | 0.uuid GPU-1 | 0.name … | 0.total 8 | 0.reserved 1 | 0.free 4
 *   0.memory_v2 !13 | 0.utilisation 97 | 0.temperature 74 | 0.power 431000
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUCCESS = 0, UNINITIALIZED = 1, NOT_SUPPORTED = 3, GPU_IS_LOST = 15 };

static long sessions, devices;

static int look_up(const char *key, char *value, size_t size) {
  char line[512];
  size_t length = strlen(key);
  const char *path = getenv("FAKE_NVML_FILE");
  FILE *file = path ? fopen(path, "r") : NULL;
  int found = 0;
  while (file && !found && fgets(line, sizeof line, file)) {
    if (strncmp(line, key, length) == 0 && line[length] == ' ') {
      line[strcspn(line, "\n")] = 0;
      snprintf(value, size, "%s", line + length + 1);
      found = 1;
    }
  }
  if (file) fclose(file);
  return found;
}

static int text(const char *key, char *value, size_t size) {
  char hang[8];
  while (look_up("hang", hang, sizeof hang)) usleep(5000);
  if (!look_up(key, value, size)) return NOT_SUPPORTED;
  return value[0] == '!' ? atoi(value + 1) : SUCCESS;
}

static int of_device(void *device, const char *what, char *value, size_t size) {
  char key[64];
  if (sessions == 0) return UNINITIALIZED;
  snprintf(key, sizeof key, "%ld.handle", (long)device - 1);
  int refused = text(key, value, size);
  if (refused != NOT_SUPPORTED) return refused;
  snprintf(key, sizeof key, "%ld.%s", (long)device - 1, what);
  return text(key, value, size);
}

static int number(void *device, const char *what, unsigned long long *told) {
  char value[64];
  int code = of_device(device, what, value, sizeof value);
  if (code == SUCCESS) *told = strtoull(value, NULL, 10);
  return code;
}

static int small(void *device, const char *what, unsigned *told) {
  unsigned long long value;
  int code = number(device, what, &value);
  if (code == SUCCESS) *told = (unsigned)value;
  return code;
}

int nvmlInitWithFlags(unsigned flags) {
  char value[64];
  (void)flags;
  int code = text("init", value, sizeof value);
  if (code != SUCCESS && code != NOT_SUPPORTED) return code;
  sessions++;
  devices = look_up("count", value, sizeof value) ? atol(value) : 0;
  return SUCCESS;
}

int nvmlShutdown(void) {
  if (sessions == 0) return UNINITIALIZED;
  sessions--;
  return SUCCESS;
}

int nvmlSystemGetDriverVersion(char *version, unsigned size) {
  return sessions ? text("driver", version, size) : UNINITIALIZED;
}

const char *nvmlErrorString(int code) { (void)code; return "an error of the fake"; }

int nvmlDeviceGetCount_v2(unsigned *count) {
  char value[64];
  int code = text("get_count", value, sizeof value);
  if (code != SUCCESS && code != NOT_SUPPORTED) return code;
  *count = (unsigned)devices;
  return sessions ? SUCCESS : UNINITIALIZED;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
  char value[128];
  *device = (void *)((long)index + 1);
  return of_device(*device, "uuid", value, sizeof value);
}

int nvmlDeviceGetUUID(void *device, char *uuid, unsigned size) {
  return of_device(device, "uuid", uuid, size);
}

int nvmlDeviceGetName(void *device, char *name, unsigned size) {
  return of_device(device, "name", name, size);
}

struct memory { unsigned long long total, free, used; };

int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) {
  int code = number(device, "total", &memory->total);
  if (code == SUCCESS) code = number(device, "free", &memory->free);
  memory->used = memory->total - memory->free;
  return code;
}

struct memory_v2 { unsigned version; unsigned long long total, reserved, free, used; };

int nvmlDeviceGetMemoryInfo_v2(void *device, struct memory_v2 *memory) {
  unsigned long long refused;
  int code = number(device, "memory_v2", &refused);
  if (code != SUCCESS && code != NOT_SUPPORTED) return code;
  code = number(device, "total", &memory->total);
  if (code == SUCCESS) code = number(device, "free", &memory->free);
  if (number(device, "reserved", &memory->reserved) != SUCCESS) memory->reserved = 0;
  memory->used = memory->total - memory->reserved - memory->free;
  return code;
}

struct utilisation { unsigned gpu, memory; };

int nvmlDeviceGetUtilizationRates(void *device, struct utilisation *told) {
  told->memory = 0;
  return small(device, "utilisation", &told->gpu);
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
  (void)sensor;
  return small(device, "temperature", celsius);
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) {
  return small(device, "power", milliwatts);
}
