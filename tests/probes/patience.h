/* Limits of time are for a machine that has nothing else to do. How many times longer all takes the tests tell by a variable
 * (tests/src/patience.rs). */
#include <stdlib.h>

static inline long with_patience(long time)
{
	const char *burden = getenv("BURDEN");
	int times = burden ? atoi(burden) : 1;

	return time * (times > 1 ? times : 1);
}
