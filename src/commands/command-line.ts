import { Command, InvalidArgumentError } from 'commander'
import { type Config, loadConfig } from '../config.ts'
import type { DemoOptions } from './demo/demo.ts'
import { faultText } from './fault-text.ts'

const wholeNumber = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1 on.')
  return value
}

/** Runs the command that the arguments name; sets the exit code, and prints what went wrong as two lines without a stack. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  let config: Config | undefined
  const withSettings =
    <Options extends unknown[]>(run: (settings: Config, ...options: Options) => Promise<void>) =>
    async (...options: Options): Promise<void> => {
      config = loadConfig()
      // Before the greater part of the program is loaded: a stack that is asked for names its sources.
      if (config.log.level === 'debug') process.setSourceMapsEnabled(true)
      await run(config, ...options)
    }
  const program = new Command('cadre').description('A self-hosted GraphQL server for a workforce of AI employees.')

  program
    .command('start')
    .description(
      'serve and work runs, with an embedded PostgreSQL unless DATABASE_URL is set; seeds a demo workspace when there is none',
    )
    .action(withSettings(async (settings) => (await import('./start.ts')).start(settings)))
  program
    .command('server')
    .description('serve and work runs on DATABASE_URL; seeds nothing')
    .action(withSettings(async (settings) => (await import('./serve.ts')).serve(settings, 'server')))
  program
    .command('worker')
    .description('work runs only, on DATABASE_URL')
    .action(withSettings(async (settings) => (await import('./serve.ts')).serve(settings, 'worker')))
  program
    .command('migrate')
    .description('bring the database to the state of this code, and end')
    .action(withSettings(async (settings) => (await import('./migrate.ts')).migrateOnly(settings)))
  program
    .command('demo')
    .description('send leads through the public form of a running server and watch the employees at work')
    .option('--leads <number>', 'how many of the sample leads', wholeNumber, 25)
    .option(
      '--csv <file>',
      'leads from a CSV file instead of the sample; its first line names the columns: E-mail, Name, Company …',
    )
    .option('--url <url>', 'where the server is (default: http://localhost:PORT)')
    .option('--kill', 'kill the server in the middle, a server of its own, and start it again')
    .option('--json', 'print the closing account as one JSON object, and nothing else')
    .option('--concurrency <number>', 'how many are on their way at once', wholeNumber, 16)
    .action(
      withSettings(async (settings, options: DemoOptions) => (await import('./demo/demo.ts')).demo(settings, options)),
    )

  const accounts = program.command('accounts').description('people who sign in: who they are, and who may not any more')
  accounts
    .command('list')
    .description('every account, and the workspaces it belongs to')
    .option('--json', 'as one JSON array, and nothing else')
    .action(
      withSettings(async (settings, options: { json?: boolean }) =>
        (await import('./accounts.ts')).list(settings, options),
      ),
    )
  accounts
    .command('suspend')
    .description('sign somebody out everywhere and keep them out, their keys too')
    .argument('<email>', 'the address of the account')
    .action(withSettings(async (settings, email: string) => (await import('./accounts.ts')).suspend(settings, email)))
  accounts
    .command('restore')
    .description('let somebody in again who was suspended')
    .argument('<email>', 'the address of the account')
    .action(withSettings(async (settings, email: string) => (await import('./accounts.ts')).restore(settings, email)))

  try {
    await program.parseAsync(argv)
  } catch (err) {
    process.stderr.write(faultText(err, config?.log.level === 'debug'))
    process.exitCode = 1
  }
}
