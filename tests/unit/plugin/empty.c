/* A library without a mechanism. */
int toy_nothing(void);

int
toy_nothing(void)
{
	return 0;
}
