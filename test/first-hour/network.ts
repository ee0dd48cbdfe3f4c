import { describe, expect, test } from 'vitest'
import { hasChromium } from '../support/browser.ts'
import type { Hour } from './hour.ts'

/** At the end of the hour: it went by without a network. */
export function lookAtTheNetwork(hour: Hour): void {
  describe('the network', () => {
    test('was asked for by nothing, once everything was installed', () => {
      process.stdout.write(
        'No network but this machine: Node refuses and records, curl has a proxy that is not there, Chromium resolves nothing\n',
      )
      expect(hour.newcomer.networkAttempts).toEqual([])
      expect(hour.strangers).toEqual([])
    })

    test('was off: whoever asks for it is refused, and seen', async () => {
      const { newcomer } = hour
      const said = (code: string) => newcomer.terminal.run(`node -e "${code}"`)
      const byName = await said(`fetch('http://cadre.example').catch(({ cause }) => console.log(cause.code))`)
      const byNumber = await said(`net.connect(443, '192.0.2.1').on('error', ({ code }) => console.log(code))`)
      expect([byName.output, byNumber.output]).toEqual(['ENETUNREACH\n', 'ENETUNREACH\n'])
      expect(newcomer.networkAttempts).toEqual([
        expect.stringMatching(/^connect cadre\.example:80 by /),
        expect.stringMatching(/^connect 192\.0\.2\.1:443 by /),
      ])
      expect((await newcomer.terminal.run('curl -sS http://192.0.2.1')).output).toContain('127.0.0.1 port 9')
    })

    test.skipIf(!hasChromium)('was off in the browser too', async () => {
      const page = await (await hour.openProfile()).newPage()
      const elsewhere = ['http://cadre.example/', 'http://192.0.2.1/']
      for (const url of elsewhere) await expect(page.goto(url)).rejects.toThrow('ERR_NAME_NOT_RESOLVED')
      expect(hour.strangers).toEqual(elsewhere)
    })
  })
}
