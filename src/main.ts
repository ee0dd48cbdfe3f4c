#!/usr/bin/env node
// Picks a command and exits well: a fault at the start is two lines and exit code 1, never a stack.

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `✖ Node ${process.versions.node} is too old. Cadre needs Node 20.19 or newer.\n` +
      '  Get one from https://nodejs.org, or: nvm install 22\n',
  )
  process.exit(1)
}

// Loaded only now: on an older Node the imports themselves would fail, with a stack.
const { runCommandLine } = await import('./commands/command-line.ts')
await runCommandLine(process.argv)

// Everything of ours is closed by now. What a library leaves behind must not hold the process: after a migration the schema
// engine keeps a timer of ten seconds.
process.stdout.write('', () => process.exit())
