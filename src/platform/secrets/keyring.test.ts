import { createHash, createHmac, randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openSecret, rewrap, sealSecret } from './envelope.ts'
import { createKeyring, type MasterKey, parseKey } from './keyring.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cadre-keys-'))
  file = join(folder, 'data', 'secret-key')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const unconfigured = { code: 'CONFLICT', details: { reason: 'NOT_CONFIGURED' } }

test('of several keys the first one seals, and each is found by its name', async () => {
  const [one, two] = [randomBytes(32), randomBytes(32)]
  const ring = createKeyring({ keys: [one, two], file, mayMake: true })
  const old = await createKeyring({ keys: [two], file, mayMake: true }).current()
  const alone = await createKeyring({ keys: [one], file, mayMake: true }).current()
  expect(await ring.current()).toEqual(alone)
  expect(await ring.find(old.id)).toEqual(old)
  expect(await ring.find('nothing')).toBeUndefined()
  expect(old.id).not.toContain(two.toString('hex').slice(0, 8))
  expect(await readdir(folder)).toEqual([])
})

test('without a key one is made in a file for its owner alone, once, however many processes ask for it at once', async () => {
  const rings = Array.from({ length: 8 }, () => createKeyring({ keys: [], file, mayMake: true }))
  expect(await rings[0]?.existing()).toBeUndefined()
  const made = await Promise.all(rings.map((ring) => ring.current()))
  expect(new Set(made.map(({ id }) => id)).size).toBe(1)
  expect(await readdir(join(folder, 'data'))).toEqual(['secret-key'])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const keys = [parseKey(await readFile(file, 'utf8')) ?? Buffer.alloc(0)]
  expect(await createKeyring({ keys, file: 'none', mayMake: false }).current()).toEqual(made[0])
})

test('a key in a file still opens what it sealed when others are set', async () => {
  const own = await createKeyring({ keys: [], file, mayMake: true }).current()
  const ring = createKeyring({ keys: [randomBytes(32)], file, mayMake: false })
  expect((await ring.current()).id).not.toBe(own.id)
  expect((await ring.find(own.id))?.bytes).toEqual(own.bytes)
})

test('where none may be made there is none, and a file that holds no key is not replaced', async () => {
  await expect(createKeyring({ keys: [], file, mayMake: false }).current()).rejects.toMatchObject(unconfigured)
  expect(await readdir(folder)).toEqual([])
  const damaged = join(folder, 'secret-key')
  await writeFile(damaged, 'damaged')
  const ring = createKeyring({ keys: [], file: damaged, mayMake: true })
  await expect(ring.current()).rejects.toMatchObject(unconfigured)
  expect(await ring.find('any')).toBeUndefined()
  expect(await readFile(damaged, 'utf8')).toBe('damaged')
  await chmod(damaged, 0o600)
})

test('a fingerprint is the same for one secret and key, and another for any other', async () => {
  const [one, two] = [randomBytes(32), randomBytes(32)].map((key) =>
    createKeyring({ keys: [key], file, mayMake: false }),
  )
  expect(await one?.fingerprint('a')).toBe(await one?.fingerprint('a'))
  expect(await one?.fingerprint('a')).not.toBe(await one?.fingerprint('b'))
  expect(await one?.fingerprint('a')).not.toBe(await two?.fingerprint('a'))
})

test('no key is used as it is: what seals is derived from it, as any HKDF would', async () => {
  const bytes = randomBytes(32)
  const extracted = createHmac('sha256', Buffer.alloc(32)).update(bytes).digest()
  const made = (info: string) => createHmac('sha256', extracted).update(info).update(Buffer.of(1)).digest()
  const ring = createKeyring({ keys: [bytes], file, mayMake: false })
  expect((await ring.current()).bytes).toEqual(made('cadre wrapping'))
  expect(await ring.fingerprint('a')).toBe(createHmac('sha256', made('cadre fingerprint')).update('a').digest('hex'))
})

test('what a key itself has sealed, before it was for several purposes, is found by that key’s name', async () => {
  const [bytes, other] = [randomBytes(32), randomBytes(32)]
  const nameOf = (key: Buffer) => createHash('sha256').update('cadre key id\0').update(key).digest('hex').slice(0, 16)
  const ring = createKeyring({ keys: [other, bytes], file, mayMake: false })
  const before = await ring.find(nameOf(bytes))
  expect(before?.bytes).toEqual(bytes)
  const place = { workspaceId: '0193-a', purpose: 'MAIL_SERVER' }
  const envelope = sealSecret({ id: nameOf(bytes), bytes }, place, 'correct horse', [])
  const moved = rewrap(before as MasterKey, await ring.current(), place, envelope)
  expect(moved.keyId).not.toBe(nameOf(other))
  expect(openSecret(await ring.current(), place, moved, [])).toBe('correct horse')
})
