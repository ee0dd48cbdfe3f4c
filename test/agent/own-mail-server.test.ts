import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { connectMailServer, connectMailServers } from '../../src/domains/mail/servers.ts'
import { updateSettingsInput } from '../../src/domains/settings/model.ts'
import { updateWorkspaceSettings } from '../../src/domains/workspaces/settings.ts'
import { parseInput } from '../../src/platform/lib/parse.ts'
import { createKeyring } from '../../src/platform/secrets/keyring.ts'
import { type MailServer, openMailServer } from '../support/mail-server.ts'
import { openOffice } from './open-office.ts'

const { office } = openOffice()
let server: MailServer
beforeAll(async () => {
  server = await openMailServer('let me in')
  connectWith(randomBytes(32))
})
afterAll(async () => {
  await server.close()
})

const connectWith = (key: Buffer): void => {
  const keyring = createKeyring({ keys: [key], file: join(office.mailFolder, 'none'), mayMake: false })
  connectMailServers({ keyring, allowPrivate: true, defaultFrom: 'cadre@localhost' })
}
const worked = async () => {
  const { runId } = await office.lead({ wants_call: true })
  await office.work(runId)
  const [effect] = (await office.effects(runId)).filter(({ tool }) => tool === 'send_email')
  const [step] = (await office.steps(runId)).filter(({ data }) => data.tool === 'send_email')
  return { effect: effect?.status, told: JSON.stringify(step?.data.output) }
}

it('what an employee writes leaves through its workspace’s own mail server, and not at all while that cannot be used', async () => {
  const { port } = server
  await office.do((tx) =>
    connectMailServer(tx, {
      host: '127.0.0.1',
      port,
      security: 'NONE',
      username: 'acme',
      password: 'let me in',
      from: 'hello@acme.example',
    }),
  )
  expect(await worked()).toMatchObject({ effect: 'CONFIRMED', told: expect.stringContaining('"via":"SMTP"') })
  expect(server.received).toHaveLength(1)
  expect(server.received[0]).toContain('From: Iris <hello@acme.example>')
  const settings = parseInput(updateSettingsInput, { mailAddress: 'sales@acme.example', replyTo: 'team@acme.example' })
  await office.do((tx) => updateWorkspaceSettings(tx, settings))
  expect(await worked()).toMatchObject({ effect: 'CONFIRMED' })
  expect(server.received[1]).toContain('From: Iris <sales@acme.example>')
  expect(server.received[1]).toContain('Reply-To: team@acme.example')

  connectWith(randomBytes(32))
  const failed = await worked()
  expect(failed).toMatchObject({ effect: 'FAILED', told: expect.stringContaining('SECRET_KEY') })
  expect(failed.told).not.toContain('let me in')
  expect(server.received).toHaveLength(2)
  expect(await readdir(office.mailFolder)).toEqual([])
})
