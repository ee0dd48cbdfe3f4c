import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findFreePort } from '../../src/platform/db/free-port.ts'
import { ask, visit } from '../front-door/visitor.ts'
import type { Hour } from './hour.ts'
import type { Ended } from './terminal.ts'

/** Sends leads by the dozen, from a file, and while the server is killed. */
export function tryTheDemo(hour: Hour): void {
  /** Not on a terminal. npm is silent, so that all that is printed is the demo's. */
  const demo = (args: string, env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    hour.newcomer.terminal.run(`npm run -s demo -- ${args}`, env)

  const submissions = async (): Promise<number> =>
    (await ask<{ submissions: { totalCount: number } }>(hour.newcomer, '{ submissions { totalCount } }')).submissions
      .totalCount

  describe('the demo', () => {
    test('accounts for every lead, in plain lines where nobody sits at a terminal, and its links work', async () => {
      const before = await submissions()
      const { exitCode, output } = await demo('--leads 25')
      expect(exitCode, output).toBe(0)
      expect(output).toContain('25 of 25 accounted for. Nothing lost, nothing twice.')
      expect(output).toContain('25/25')
      expect(output).not.toContain('\u001b')
      expect(await submissions()).toBe(before + 25)
      const [look = '', decide = ''] = ['Look', 'Decide'].map(
        (label) => new RegExp(`^ {2}${label}: +(\\S+)$`, 'm').exec(output)?.[1],
      )
      expect(await ask(hour.newcomer, new URL(look).searchParams.get('query') ?? '')).toMatchObject({
        deals: { nodes: expect.arrayContaining([expect.objectContaining({ name: expect.any(String) })]) },
      })
      const page = await visit(decide)
      expect([page.status, page.body]).toEqual([200, expect.stringMatching(/approvals? waits? for you/)])
    })

    test('prints one object and nothing else with --json', async () => {
      const { exitCode, output } = await demo('--leads 8 --json')
      expect(exitCode, output).toBe(0)
      expect(JSON.parse(output)).toMatchObject({
        complete: true,
        leads: { sent: 8, accepted: 8, refused: 0 },
        accountedFor: 8,
        unaccounted: [],
        contacts: { new: 8, known: 0 },
        runs: { all: 8, open: 0 },
      })
    })

    test('takes leads from a file: the mapping is printed, what is refused is named with its reason, and the sum closes', async () => {
      const file = join(hour.newcomer.openFolder(), 'leads.csv')
      writeFileSync(file, 'E-mail,NAME,Favourite colour\nkim@nimbus.example,Kim,green\nno address,Lee,blue\n')
      const { exitCode, output } = await demo(`--csv ${file}`)
      expect(exitCode, output).toBe(0)
      expect(output).toContain('E-mail → E-mail')
      expect(output).toContain('1 other column → lines of')
      expect(output).toMatch(/1 {2}refused: \S/)
      expect(output).toContain('2 of 2 accounted for.')
    })

    test('kills a server of its own and starts it again: the sums close, the watcher missed nothing, the folder is gone', async () => {
      const before = await submissions()
      const { exitCode, output } = await demo('--leads 40 --kill')
      expect(exitCode, output).toBe(0)
      const [, killed = '', restarted = ''] = /\(pid (\d+)\)[\s\S]*started again in .* pid (\d+)/.exec(output) ?? []
      expect(Number(killed)).toBeGreaterThan(0)
      expect(restarted).not.toBe(killed)
      expect(output).toContain('0 missing, 0 twice, in order (compared with the log)')
      expect(output).toContain('40 of 40 accounted for. Nothing lost, nothing twice.')
      expect(readdirSync(hour.newcomer.temporary).filter((name) => name.startsWith('cadre-demo-'))).toEqual([])
      expect(await submissions()).toBe(before)
    })

    test('says in two lines that there is no server, or that it is not the one of our key', async () => {
      const port = String(await findFreePort())
      expect(await demo('--leads 1', { PORT: port })).toMatchObject({
        exitCode: 1,
        output: `✖ No Cadre with the demo form answers at http://localhost:${port}.\n  Start one in another terminal: npm start   (on another port: PORT=4001 npm run demo)\n`,
      })
      const CADRE_DIR = hour.newcomer.openFolder()
      writeFileSync(join(CADRE_DIR, 'demo-key'), `${hour.newcomer.key.slice(0, -6)}AAAAAA\n`)
      expect(await demo('--leads 1', { CADRE_DIR })).toMatchObject({
        exitCode: 1,
        output: expect.stringContaining('does not know our demo key.\n  It runs'),
      })
    })
  })
}
