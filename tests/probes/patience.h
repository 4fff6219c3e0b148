/* Limits of time are for a machine that has nothing else to do. The tests tell how many tasks want each processor
 * (tests/src/patience.rs): so much longer all takes. */
#include <stdlib.h>

static inline long with_patience(long time)
{
	const char *burden = getenv("BURDEN");
	int times = burden ? atoi(burden) : 1;

	return time * (times > 1 ? times : 1);
}
