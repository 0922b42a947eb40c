// GPIO lines without a chip: what opening says on machines that have none, and every function with what is not its own.
// Real edges: Tests/Hardware/programs/gpio.c in the guests.
#include "check.h"
#include "tree.h"

TEST(gpio_says_what_is_missing) {
  struct tree tree = make_tree();
  char node[128];
  uint32_t offset = 7;
  interruptsync_line *line = NULL;
  CHECK_FAILS(interruptsync_gpio_line("gpiochip0", 0, NULL, &line), ENOENT, "there is no such GPIO chip");
  CHECK_FAILS(interruptsync_gpio_line("/none/such", 0, NULL, &line), ENOENT, "/none/such: open the GPIO chip");
  CHECK_FAILS(interruptsync_gpio_find("a label", "button", &offset), ENOENT, "there is no such GPIO chip");
  // A node that is something else: a plain file.
  snprintf(node, sizeof node, "%s/dev/uio0", tree.root);
  CHECK_FAILS(interruptsync_gpio_line(node, 0, NULL, &line), EINVAL, "it is no GPIO chip");
  CHECK_FAILS(interruptsync_gpio_find(node, "button", &offset), EINVAL, "it is no GPIO chip");
  CHECK(line == NULL && offset == 7);
  end_tree(&tree);
}

TEST(gpio_line_checks_its_arguments) {
  uint32_t offset = 7;
  interruptsync_line *line = NULL;
  CHECK_FAILS(interruptsync_gpio_line(NULL, 0, NULL, &line), EINVAL, "the chip is NULL");
  CHECK_FAILS(interruptsync_gpio_line("gpiochip0", 0, NULL, NULL), EINVAL, "line is NULL");
  CHECK_FAILS(interruptsync_gpio_find(NULL, "button", &offset), EINVAL, "the chip is NULL");
  CHECK_FAILS(interruptsync_gpio_find("gpiochip0", NULL, &offset), EINVAL, "the name is NULL");
  CHECK_FAILS(interruptsync_gpio_find("gpiochip0", "button", NULL), EINVAL, "offset is NULL");
  interruptsync_gpio_options options = INTERRUPTSYNC_STRUCT(interruptsync_gpio_options);
  options.edges = 3;
  CHECK_FAILS(interruptsync_gpio_line("gpiochip0", 0, &options, &line), EINVAL, "3 is not a choice of edges");
  options.edges = INTERRUPTSYNC_GPIO_FALLING;
  options.bias = 4;
  CHECK_FAILS(interruptsync_gpio_line("gpiochip0", 0, &options, &line), EINVAL, "4 is not a bias");
  options.bias = INTERRUPTSYNC_GPIO_PULL_UP;
  options.clock = 3;
  CHECK_FAILS(interruptsync_gpio_line("gpiochip0", 0, &options, &line), EINVAL, "3 is not a clock");
  options.size = 8;
  CHECK_FAILS(interruptsync_gpio_line("gpiochip0", 0, &options, &line), EINVAL, "set it to sizeof");
  CHECK(line == NULL && offset == 7);
}

// NULL, and a live handle of another kind, and a line of another.
TEST(gpio_calls_refuse_other_handles) {
  struct fixture it = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  interruptsync_line *lines[] = {NULL, (interruptsync_line *)it.object, it.line};
  const int numbers[] = {EINVAL, EINVAL, EOPNOTSUPP};
  const char *words[] = {"is NULL", "not a live handle of a", "is not a line of a GPIO chip"};
  for (int i = 0; i < 3; i++) {
    interruptsync_gpio_info info = INTERRUPTSYNC_STRUCT(interruptsync_gpio_info);
    interruptsync_gpio_edge edge;
    CHECK_REFUSED(interruptsync_gpio_value(lines[i]), numbers[i], words[i]);
    CHECK_REFUSED(interruptsync_gpio_edges(lines[i], &edge, 1), numbers[i], words[i]);
    CHECK_REFUSED(interruptsync_gpio_get_info(lines[i], &info), numbers[i], words[i]);
  }
  end_fixture(&it);
}
