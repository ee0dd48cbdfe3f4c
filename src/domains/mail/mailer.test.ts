import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer } from 'smtp-server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isAppError } from '../../platform/lib/errors.ts'
import { createMailer } from './mailer.ts'
import type { Mail } from './model.ts'

const mail: Mail = {
  from: { name: 'Iris', address: 'iris@acme.example' },
  to: { name: 'Ada Lovelace', address: 'ada@example.com' },
  subject: 'Your demo',
  body: 'Hello Ada,\n\nwhen would suit you?\n\nIris',
}

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cadre-mail-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('mail without an SMTP server', () => {
  it('becomes one file named by its key, however often it is sent', async () => {
    const mailer = createMailer({ folder: join(folder, 'mail'), defaultFrom: 'cadre@localhost' })
    const sent = await mailer.send(mail, 'run.2.0')
    expect(sent).toEqual({ messageId: '<run.2.0@localhost>', via: 'FILE', file: 'run.2.0.eml' })
    await mailer.send(mail, 'run.2.0')
    expect(await readdir(join(folder, 'mail'))).toEqual(['run.2.0.eml'])
    const text = await readFile(join(folder, 'mail', 'run.2.0.eml'), 'utf8')
    expect(text).toContain('Message-ID: <run.2.0@localhost>')
    expect(text).toContain('To: Ada Lovelace <ada@example.com>')
    expect(text).toContain('when would suit you?')
  })

  it.each([
    ['', mail, 'Reply-To: iris@acme.example'],
    [', also with another place for answers', { ...mail, replyTo: 'team@acme.example' }, 'Reply-To: team@acme.example'],
    [', also where the employee has none', { ...mail, from: { name: 'Iris', address: null } }, ''],
  ])('is from the server’s address, and answers go to the employee’s%s', async (_also, given, replyTo) => {
    const mailer = createMailer({ folder, defaultFrom: 'Cadre <mail@cadre.example>' })
    expect(await mailer.send(given, 'k')).toMatchObject({ messageId: '<k@cadre.example>' })
    const [head = ''] = (await readFile(join(folder, 'k.eml'), 'utf8')).split('\r\n\r\n')
    expect(head).toContain('From: Iris <mail@cadre.example>')
    expect(/^Reply-To: .*$/m.exec(head)?.[0] ?? '').toBe(replyTo)
  })

  it('keeps a recipient whose name holds a line break to one header', async () => {
    const mailer = createMailer({ folder, defaultFrom: 'cadre@localhost' })
    await mailer.send({ ...mail, to: { ...mail.to, name: 'Ada\r\nBcc: eve@evil.example' } }, 'k')
    const [head] = (await readFile(join(folder, 'k.eml'), 'utf8')).split('\r\n\r\n')
    expect(head).not.toMatch(/^Bcc:/m)
  })

  it('is forgotten by whom it went to, of those keys that are told, also half written, and nothing else is', async () => {
    const mailer = createMailer({ folder, defaultFrom: 'cadre@localhost' })
    const to = (address: string, name: string | null) => ({ ...mail, to: { name, address } })
    await mailer.send(to('Ada@Example.com', null), 'reset-1')
    await mailer.send(
      to('ada@example.com', 'Augusta Ada King, Countess of Lovelace, of Ockham Park in Surrey'),
      'invite-1',
    )
    await mailer.send(to('ada@example.com', null), 'run.2.0')
    await mailer.send(to('nada@example.com', 'ada@example.com'), 'reset-2')
    await mailer.send({ ...to('eve@example.com', null), body: 'To: ada@example.com' }, 'reset-3')
    await writeFile(join(folder, '.reset-4.eml.4711'), 'To: ada@example.com\r\n\r\nhalf')
    await writeFile(join(folder, 'notes.txt'), 'To: ada@example.com')
    await mailer.forgetTo('ada@example.com', (key) => !key.startsWith('run'))
    expect((await readdir(folder)).sort()).toEqual(['notes.txt', 'reset-2.eml', 'reset-3.eml', 'run.2.0.eml'])
    await createMailer({ folder: join(folder, 'none'), defaultFrom: 'x@y' }).forgetTo('ada@example.com', () => true)
  })

  it('is forgotten by whom it went to also at an international domain, and beside what is no mail', async () => {
    const mailer = createMailer({ folder, defaultFrom: 'cadre@localhost' })
    const to = (address: string) => ({ ...mail, to: { name: null, address } })
    await mailer.send(to('Ada@Bücher.example'), 'reset-1')
    await mailer.send(to('ada@xn--bcher-kva.example'), 'reset-2')
    await mailer.send(to('ada@bucher.example'), 'reset-3')
    await mkdir(join(folder, 'old.eml'))
    // What is renamed while the folder is read leads nowhere.
    await symlink(join(folder, 'renamed'), join(folder, '.reset-4.eml.4711'))
    await mailer.forgetTo('ada@bücher.example', () => true)
    expect((await readdir(folder)).sort()).toEqual(['.reset-4.eml.4711', 'old.eml', 'reset-3.eml'])
    await symlink(join(folder, 'loop.eml'), join(folder, 'loop.eml'))
    await expect(mailer.forgetTo('ada@example.com', () => true)).rejects.toMatchObject({ code: 'ELOOP' })
  })

  it('is forgotten under its key, with what a process left half written, and nothing else is', async () => {
    const mailer = createMailer({ folder, defaultFrom: 'cadre@localhost' })
    for (const key of ['run.2.0', 'run.2.01']) await mailer.send(mail, key)
    await writeFile(join(folder, '.run.2.0.eml.4711'), 'half')
    await mailer.forget('run.2.0')
    await mailer.forget('run.2.0')
    expect(await readdir(folder)).toEqual(['run.2.01.eml'])
    const smtp = createMailer({ smtpUrl: 'smtp://127.0.0.1:1', folder, defaultFrom: 'cadre@localhost' })
    await smtp.forget('run.2.01')
    expect(await readdir(folder)).toEqual([])
    await createMailer({ folder: join(folder, 'none'), defaultFrom: 'cadre@localhost' }).forget('run.2.0')
  })

  it('refuses a key that is no file name', async () => {
    const mailer = createMailer({ folder, defaultFrom: 'cadre@localhost' })
    await expect(mailer.send(mail, '../escape')).rejects.toThrow('mail key')
    await expect(mailer.forget('../escape')).rejects.toThrow('mail key')
  })
})

describe('mail with an SMTP server', () => {
  const listening = (server: SMTPServer | Server): Promise<number> =>
    new Promise((resolve) => {
      const inner = server instanceof SMTPServer ? server.server : server
      server.listen(0, '127.0.0.1', () => resolve((inner.address() as AddressInfo).port))
    })

  it('goes there with the Message-ID of its key', async () => {
    const received: string[] = []
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onData: (stream, _session, done) => {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          received.push(Buffer.concat(chunks).toString('utf8'))
          done()
        })
      },
    })
    const port = await listening(server)
    const mailer = createMailer({ smtpUrl: `smtp://127.0.0.1:${port}`, folder, defaultFrom: 'cadre@localhost' })
    expect(await mailer.send(mail, 'run.2.0')).toEqual({ messageId: '<run.2.0@localhost>', via: 'SMTP' })
    expect(received).toHaveLength(1)
    expect(received[0]).toContain('Message-ID: <run.2.0@localhost>')
    expect(await readdir(folder)).toEqual([])
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })

  it('that refuses the recipient leaves no doubt: it was not sent', async () => {
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: ['STARTTLS'],
      onRcptTo: (_address, _session, done) => done(Object.assign(new Error('no such user'), { responseCode: 550 })),
    })
    const port = await listening(server)
    const mailer = createMailer({ smtpUrl: `smtp://127.0.0.1:${port}`, folder, defaultFrom: 'cadre@localhost' })
    const err = await mailer.send(mail, 'k').catch((caught: unknown) => caught)
    expect(isAppError(err) && err.code).toBe('CONFLICT')
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })

  it('that is not there leaves no doubt: it was not sent', async () => {
    const gone = createServer()
    const port = await listening(gone)
    await new Promise((resolve) => gone.close(resolve))
    const mailer = createMailer({ smtpUrl: `smtp://127.0.0.1:${port}`, folder, defaultFrom: 'cadre@localhost' })
    const err = await mailer.send(mail, 'k').catch((caught: unknown) => caught)
    expect(isAppError(err) && err.code).toBe('UNAVAILABLE')
  })

  it('that answers drop by drop is not waited for, and leaves it open whether it was sent', async () => {
    const open = new Set<Socket>()
    const server = createServer((socket) => {
      open.add(socket)
      socket.on('close', () => open.delete(socket))
      socket.on('error', () => {})
      socket.write('220 test\r\n')
      let dripping: NodeJS.Timeout | undefined
      socket.on('data', (chunk) => {
        const text = chunk.toString()
        if (/^EHLO/.test(text)) socket.write('250 test\r\n')
        else if (/^(MAIL|RCPT)/.test(text)) socket.write('250 ok\r\n')
        else if (/^DATA/.test(text)) socket.write('354 go on\r\n')
        else if (text.includes('\r\n.\r\n')) dripping ??= setInterval(() => socket.write('250-'), 20)
      })
      socket.on('close', () => clearInterval(dripping))
    })
    const port = await listening(server)
    const smtpUrl = `smtp://127.0.0.1:${port}`
    const mailer = createMailer({ smtpUrl, folder, defaultFrom: 'cadre@localhost', deadlineMs: 300 })
    const err = await mailer.send(mail, 'k').catch((caught: unknown) => caught)
    expect(err).toBeInstanceOf(Error)
    expect(isAppError(err)).toBe(false)
    // And no line is held open.
    await expect.poll(() => open.size).toBe(0)
    await new Promise((resolve) => server.close(resolve))
  })

  it('that hangs up after the content leaves it open whether it was sent', async () => {
    const server = createServer((socket) => {
      let inData = false
      socket.write('220 test\r\n')
      socket.on('data', (chunk) => {
        const text = chunk.toString()
        if (inData) {
          if (text.includes('\r\n.\r\n')) socket.destroy()
          return
        }
        if (/^EHLO/.test(text)) socket.write('250 test\r\n')
        else if (/^(MAIL|RCPT)/.test(text)) socket.write('250 ok\r\n')
        else if (/^DATA/.test(text)) {
          inData = true
          socket.write('354 go on\r\n')
        }
      })
      socket.on('error', () => {})
    })
    const port = await listening(server)
    const mailer = createMailer({ smtpUrl: `smtp://127.0.0.1:${port}`, folder, defaultFrom: 'cadre@localhost' })
    const err = await mailer.send(mail, 'k').catch((caught: unknown) => caught)
    expect(err).toBeInstanceOf(Error)
    expect(isAppError(err)).toBe(false)
    await new Promise((resolve) => server.close(resolve))
  })
})
