// Shared by the programs of the Windows suite, beside the reporter: the reports that a case caused, software devices,
// and main(). Each source is a program of its own.
#ifndef CHECK_H
#define CHECK_H

#define CHECK_MAIN
#include "../CSupport/check.h"

#include <pthread.h>
#include <semaphore.h>

#include "interruptsync_windows.h"

// Reports, in the order in which they came.
static pthread_mutex_t reports_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t report_has_come = PTHREAD_COND_INITIALIZER;
static int reports;
static char last_call[100], last_rule[20];

static void report_came(PVOID context, PCSTR call, PCSTR rule, PCSTR message) {
  (void)context, (void)message;
  pthread_mutex_lock(&reports_lock);
  reports++;
  snprintf(last_call, sizeof last_call, "%s", call);
  snprintf(last_rule, sizeof last_rule, "%s", rule);
  pthread_cond_broadcast(&report_has_come);
  pthread_mutex_unlock(&reports_lock);
}

// Waits for a report that a dispatcher delivers when its dispatch is over.
static inline void await_report(void) {
  pthread_mutex_lock(&reports_lock);
  while (reports == 0) pthread_cond_wait(&report_has_come, &reports_lock);
  pthread_mutex_unlock(&reports_lock);
}

static void forget_reports(void) {
  // Ends the count of equal ones as well.
  InterruptSyncSetReportRoutine(report_came, NULL);
  pthread_mutex_lock(&reports_lock);
  reports = 0;
  last_call[0] = last_rule[0] = 0;
  pthread_mutex_unlock(&reports_lock);
}

// Whether there was exactly one report since the last look, with this call and rule.
static inline int reported(const char *call, const char *rule) {
  int yes = reports == 1 && strcmp(last_call, call) == 0 && strcmp(last_rule, rule) == 0;
  if (!yes) printf("  %d reports, last %s [%s]\n", reports, last_call, last_rule);
  forget_reports();
  return yes;
}

static inline PDEVICE_OBJECT make_software_device(ULONG interrupts, BOOLEAN are_messages) {
  INTERRUPTSYNC_SOFTWARE_DEVICE description;
  INTERRUPTSYNC_SOFTWARE_DEVICE_INIT(&description, interrupts);
  description.MessageSignaled = are_messages;
  description.MemoryLength = 4096;
  description.PortLength = 16;
  PDEVICE_OBJECT device = NULL;
  CHECK(InterruptSyncCreateSoftwareDevice(&description, 64, &device) == STATUS_SUCCESS);
  return device;
}

static inline PDEVICE_OBJECT software_device(ULONG interrupts) { return make_software_device(interrupts, FALSE); }
static inline PDEVICE_OBJECT message_device(ULONG messages) { return make_software_device(messages, TRUE); }

static inline PCM_PARTIAL_RESOURCE_DESCRIPTOR resource(PDEVICE_OBJECT device, UCHAR type, ULONG index) {
  PCM_PARTIAL_RESOURCE_LIST list = &InterruptSyncTranslatedResources(device)->List[0].PartialResourceList;
  for (ULONG i = 0; i < list->Count; i++)
    if (list->PartialDescriptors[i].Type == type && index-- == 0) return &list->PartialDescriptors[i];
  return NULL;
}

static void level_is_back(void) { CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL); }

int main(int count, char **arguments) {
  InterruptSyncSetReportRoutine(report_came, NULL);
  return check_main(count, arguments, forget_reports, level_is_back);
}

#endif
