import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { findFreePort } from '../../src/platform/db/free-port.ts'
import { type Ended, runProgram } from '../support/program.ts'
import { openTemporaryFolder } from '../support/temporary-folder.ts'
import { openHouse } from './house.ts'
import { ask, visit } from './visitor.ts'

const WITHIN_MS = 180_000

const house = openHouse()

/** Runs the demo to its end, in the server's folder. */
const demo = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  runProgram(['demo', ...args], { PORT: String(house.server.port), CADRE_DIR: house.server.dir, ...env })

const submissions = async (): Promise<number> =>
  (await ask<{ submissions: { totalCount: number } }>(house.server, '{ submissions { totalCount } }')).submissions
    .totalCount

test(
  'the demo accounts for every lead, in plain lines where nobody sits at a terminal, and its links work',
  async () => {
    const before = await submissions()
    const { exitCode, stdout, stderr } = await demo(['--leads', '25'])
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('25 of 25 accounted for. Nothing lost, nothing twice.')
    expect(stdout).toContain('25/25')
    expect(stdout).not.toContain('\u001b')
    expect(await submissions()).toBe(before + 25)
    const [look = '', decide = ''] = ['Look', 'Decide'].map(
      (label) => new RegExp(`^ {2}${label}: +(\\S+)$`, 'm').exec(stdout)?.[1],
    )
    expect(await ask(house.server, new URL(look).searchParams.get('query') ?? '')).toMatchObject({
      deals: { nodes: expect.arrayContaining([expect.objectContaining({ name: expect.any(String) })]) },
    })
    const page = await visit(decide)
    expect([page.status, page.body]).toEqual([200, expect.stringMatching(/approvals? waits? for you/)])
  },
  WITHIN_MS,
)

test(
  '--json prints one object and nothing else',
  async () => {
    const { exitCode, stdout } = await demo(['--leads', '8', '--json'])
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      complete: true,
      leads: { sent: 8, accepted: 8, refused: 0 },
      accountedFor: 8,
      unaccounted: [],
      contacts: { new: 8, known: 0 },
      runs: { all: 8, open: 0 },
    })
  },
  WITHIN_MS,
)

test(
  'leads from a file: the mapping is printed, what is refused is named with its reason, and the sum closes',
  async () => {
    const dir = openTemporaryFolder('cadre-demo-test-')
    const file = join(dir, 'leads.csv')
    writeFileSync(file, 'E-mail,NAME,Favourite colour\nkim@nimbus.example,Kim,green\nno address,Lee,blue\n')
    const { exitCode, stdout } = await demo(['--csv', file])
    rmSync(dir, { recursive: true })
    expect(exitCode).toBe(0)
    expect(stdout).toContain('E-mail → E-mail')
    expect(stdout).toContain('1 other columns → lines of')
    expect(stdout).toMatch(/1 {2}refused: \S/)
    expect(stdout).toContain('2 of 2 accounted for.')
  },
  WITHIN_MS,
)

test(
  '--kill: a house.server of its own is killed and started again, the sums close, the watcher missed nothing, and the folder is gone',
  async () => {
    const before = await submissions()
    const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('cadre-demo-') && !/test/.test(name))
    const others = folders()
    const { exitCode, stdout, stderr } = await demo(['--leads', '40', '--kill'])
    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
    const [, killed = '', restarted = ''] = /\(pid (\d+)\)[\s\S]*started again in .* pid (\d+)/.exec(stdout) ?? []
    expect(Number(killed)).toBeGreaterThan(0)
    expect(restarted).not.toBe(killed)
    expect(stdout).toContain('0 missing, 0 twice, in order (compared with the log)')
    expect(stdout).toContain('40 of 40 accounted for. Nothing lost, nothing twice.')
    expect(folders()).toEqual(others)
    expect(await submissions()).toBe(before)
  },
  WITHIN_MS,
)

test(
  'without a house.server, and with a key of another one, the demo says so in two lines',
  async () => {
    const port = String(await findFreePort())
    expect(await demo([], { PORT: port })).toMatchObject({
      exitCode: 1,
      stderr: `✖ No Cadre with the demo form answers at http://localhost:${port}.\n  Start one in another terminal: npm start   (on another port: PORT=4001 npm run demo)\n`,
    })
    const dir = openTemporaryFolder('cadre-demo-test-')
    writeFileSync(join(dir, 'demo-key'), `${house.server.key.slice(0, -6)}AAAAAA\n`)
    const other = await demo([], { CADRE_DIR: dir })
    rmSync(dir, { recursive: true })
    expect(other).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('does not know our demo key.\n  It runs'),
    })
  },
  WITHIN_MS,
)
