import { type AddressInfo, createServer } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface MailServer {
  readonly port: number
  /** Mails that came, with headers. */
  readonly received: readonly string[]
  /** Who has signed in. */
  readonly signedIn: readonly string[]
  close(): Promise<void>
}

/** A mail server on loopback, without encryption, that lets in whoever has the password. Anybody else is told what they sent. */
export async function openMailServer(password: string): Promise<MailServer> {
  const received: string[] = []
  const signedIn: string[] = []
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    authOptional: true,
    onAuth: (auth, _session, done) => {
      if (auth.password !== password) return done(new Error(`${auth.username} is not let in with ${auth.password}`))
      signedIn.push(auth.username ?? '')
      done(null, { user: auth.username })
    },
    onRcptTo: ({ address }, _session, done) => {
      if (!address.startsWith('nobody')) return done()
      done(Object.assign(new Error(`there is no ${address} here, nor ${password}`), { responseCode: 550 }))
    },
    onData: (stream, _session, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        received.push(Buffer.concat(chunks).toString('utf8'))
        done()
      })
    },
  })
  server.on('error', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.server.address() as AddressInfo).port,
    received,
    signedIn,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

/** What answers as a mail server does, a drop at a time, and comes to no end. */
export async function openDrippingServer() {
  let open = 0
  const server = createServer((socket) => {
    open++
    const dripping = setInterval(() => socket.write('220-wait\r\n'), 20)
    socket.on('error', () => {})
    socket.on('close', () => {
      open--
      clearInterval(dripping)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    /** How many connections are held open. */
    open: () => open,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}
