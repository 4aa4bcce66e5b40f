/* main.c - the program; what it can do is in commands.c. */
#include "router/command.h"

int main(int argc, char **argv)
{
	return command_main(argc, argv);
}
