import { Command, InvalidArgumentError } from 'commander'
import { loadConfig } from '../config.ts'
import { StartFault } from '../platform/lib/start-fault.ts'
import type { DemoOptions } from './demo/demo.ts'

const wholeNumber = (text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1 on.')
  return value
}

/** Runs the command that the arguments name; sets the exit code, and prints a StartFault as two lines without a stack. */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  const program = new Command('cadre').description('A self-hosted GraphQL server for a workforce of AI employees.')

  program
    .command('start')
    .description(
      'serve and work runs, with an embedded PostgreSQL unless DATABASE_URL is set; seeds a demo workspace when there is none',
    )
    .action(async () => (await import('./start.ts')).start(loadConfig()))
  program
    .command('server')
    .description('serve and work runs on DATABASE_URL; seeds nothing')
    .action(async () => (await import('./serve.ts')).serve(loadConfig(), 'server'))
  program
    .command('worker')
    .description('work runs only, on DATABASE_URL')
    .action(async () => (await import('./serve.ts')).serve(loadConfig(), 'worker'))
  program
    .command('migrate')
    .description('bring the database to the state of this code, and end')
    .action(async () => (await import('./migrate.ts')).migrateOnly(loadConfig()))
  program
    .command('demo')
    .description('send leads through the public form of a running server and watch the employees at work')
    .option('--leads <number>', 'how many of the sample leads', wholeNumber, 25)
    .option('--csv <file>', 'leads from a CSV file instead of the sample')
    .option('--url <url>', 'where the server is (default: http://localhost:PORT)')
    .option('--concurrency <number>', 'how many are on their way at once', wholeNumber, 16)
    .action(async (options: DemoOptions) => (await import('./demo/demo.ts')).demo(loadConfig(), options))

  try {
    await program.parseAsync(argv)
  } catch (err) {
    if (!(err instanceof StartFault)) throw err
    process.stderr.write(`✖ ${err.message}\n${err.hint === undefined ? '' : `  ${err.hint}\n`}`)
    process.exitCode = 1
  }
}
