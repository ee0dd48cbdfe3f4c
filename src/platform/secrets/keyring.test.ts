import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createKeyring, parseKey } from './keyring.ts'

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
  expect((await ring.current()).bytes).toEqual(one)
  expect((await ring.find(old.id))?.bytes).toEqual(two)
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
  expect(parseKey(await readFile(file, 'utf8'))).toEqual(made[0]?.bytes)
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
