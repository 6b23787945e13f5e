import { watchOption } from '../program/watch.ts';
import { type Cli, headings } from '../program/cli.ts';
import type { BusConfigOptions, BusFolderOptions } from '../actions/bus.ts';
import { words } from '../options.ts';
import type { Command } from 'commander';

/** `willm bus`. */
export function register(program: Command, { terminal, end }: Cli): void {
  const bus = program
    .command('bus')
    .helpGroup(headings.operation)
    .description('a nats-server with users and TLS: its configuration, and who is let in');
  bus
    .command('config')
    .description('write its configuration, and a seed and a certificate for each service; what is there stays')
    .option('--folder <path>', 'where to (default: bus in the data folder)')
    .option('--host <list>', 'names and addresses that it is reached by', words)
    .option('--kubernetes', 'print Secrets for deploy/kubernetes')
    .option('--namespace <name>', 'with --kubernetes: namespace of the services (default: will)')
    .option('--nats-namespace <name>', 'with --kubernetes: namespace of the nats-server (default: nats)')
    .option('--json', 'print JSON')
    .action(async (options: BusConfigOptions) => {
      const { writeBusConfig } = await import('../actions/bus.ts');
      end(await writeBusConfig(terminal, options));
    });
  const busUsers = bus.command('users').description('clients whose own programs are let in, each as its client alone');
  busUsers
    .command('add')
    .description('make a user for a client, and tell the nats-server')
    .argument('<client>', 'its slug')
    .option('--folder <path>', 'where the bus was made (default: bus in the data folder)')
    .option('--json', 'print JSON')
    .action(async (client: string, options: BusFolderOptions) => {
      const { addBusUser } = await import('../actions/bus.ts');
      end(await addBusUser(terminal, client, options));
    });
  busUsers
    .command('remove')
    .description("end a client's user: its connections are closed")
    .argument('<client>', 'its slug')
    .option('--folder <path>', 'where the bus was made (default: bus in the data folder)')
    .action(async (client: string, options: BusFolderOptions) => {
      const { removeBusUser } = await import('../actions/bus.ts');
      end(await removeBusUser(terminal, client, options));
    });
  busUsers
    .command('ls')
    .description('show clients that have a user')
    .option('--folder <path>', 'where the bus was made (default: bus in the data folder)')
    .option('--json', 'print JSON')
    .addOption(watchOption())
    .action(async (options: BusFolderOptions) => {
      const { listBusUsers } = await import('../actions/bus.ts');
      end(await listBusUsers(terminal, options));
    });
}
