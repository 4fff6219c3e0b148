/* `arrive ...`: what it was started with, and where it is: its words, MARK of its environment, whether CHBIND_CONTEXT is in
 * that, for which user it runs, and the address that it gets for the wildcard.
 *
 *     $ MARK=here arrive a1 a2
 *     count=3 words=arrive,a1,a2 mark=here context=no user=0 at=0.0.0.0
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int count, char **words)
{
	const char *mark = getenv("MARK");
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int n, fd = socket(AF_INET, SOCK_STREAM, 0);

	printf("count=%d words=", count);
	for (n = 0; n < count; n++)
		printf("%s%s", n ? "," : "", words[n]);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || getsockname(fd, (struct sockaddr *)&at, &len))
		perror("the wildcard");
	printf(" mark=%s context=%s user=%d at=%s\n", mark ? mark : "none", getenv("CHBIND_CONTEXT") ? "yes" : "no",
	       (int)geteuid(), inet_ntoa(at.sin_addr));
	return 0;
}
