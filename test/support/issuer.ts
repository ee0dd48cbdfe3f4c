import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

// An issuer of OpenID Connect for tests: as strict as the standards where a client could be wrong, and as wrong as a test
// asks where a client must be strict.

export interface Person {
  readonly sub: string
  readonly email?: string
  readonly email_verified?: unknown
  readonly name?: string
}

interface Grant {
  readonly redirectUri: string
  readonly challenge: string
  readonly nonce: string | undefined
  readonly person: Person
}

export interface FakeIssuer {
  readonly url: string
  /** Whoever is sent to sign in is this person, and agrees. */
  person: Person
  /** Answers the next person who is sent to sign in with this error. */
  nextError: string | undefined
  /** Answers the next code that is to be changed for an ID token with this instead. */
  nextAnswer: { readonly status: number; readonly body: unknown } | undefined
  /** What happens while a code is changed for an ID token. */
  meanwhile: (() => Promise<unknown>) | undefined
  /** What each ID token says besides, or instead. */
  idTokenClaims: JWTPayload
  /** How often its keys were asked for. */
  readonly keysAsked: number
  /** The public key that signs now, as it stands among its keys. */
  publicKey(): JWK
  /** Signs with a new key from now on, and forgets the one before. */
  rotate(): Promise<void>
  /** A token as a program would send it, good for five minutes unless told. */
  token(
    claims: JWTPayload,
    header?: { readonly alg?: string; readonly kid?: string; readonly typ?: string },
  ): Promise<string>
  /** Answers nothing until it is back. */
  goAway(): Promise<void>
  comeBack(): Promise<void>
  close(): Promise<void>
}

export interface FakeIssuerOptions {
  readonly clientId: string
  /** Undefined for a public client. */
  readonly clientSecret?: string
}

export async function openIssuer({ clientId, clientSecret }: FakeIssuerOptions): Promise<FakeIssuer> {
  const grants = new Map<string, Grant>()
  let pair = await generateKeyPair('RS256', { extractable: true })
  let kid = randomBytes(8).toString('hex')
  let jwk: JWK = {}
  let keysAsked = 0
  const publish = async () => {
    jwk = { ...(await exportJWK(pair.publicKey)), kid, alg: 'RS256', use: 'sig' }
  }
  await publish()

  const json = (response: ServerResponse, status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  const authorize = (url: URL, response: ServerResponse) => {
    const asked = (name: string) => url.searchParams.get(name) ?? undefined
    const redirectUri = asked('redirect_uri')
    const challenge = asked('code_challenge')
    const right = asked('client_id') === clientId && asked('response_type') === 'code' && redirectUri !== undefined
    if (!right || challenge === undefined || asked('code_challenge_method') !== 'S256') {
      return json(response, 400, { error: 'invalid_request' })
    }
    const back = new URL(redirectUri)
    const state = asked('state')
    if (state !== undefined) back.searchParams.set('state', state)
    back.searchParams.set('iss', self.url)
    if (self.nextError !== undefined) {
      back.searchParams.set('error', self.nextError)
      self.nextError = undefined
    } else {
      const code = randomBytes(16).toString('hex')
      grants.set(code, { redirectUri, challenge, nonce: asked('nonce'), person: self.person })
      back.searchParams.set('code', code)
    }
    response.writeHead(303, { location: back.href }).end()
  }

  const exchange = async (request: IncomingMessage, response: ServerResponse) => {
    const form = new URLSearchParams(await text(request))
    const code = form.get('code') ?? ''
    const grant = grants.get(code)
    // A code is good once.
    grants.delete(code)
    const proof = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (form.get('client_id') !== clientId || (form.get('client_secret') ?? undefined) !== clientSecret) {
      return json(response, 401, { error: 'invalid_client' })
    }
    if (grant === undefined || grant.challenge !== proof || grant.redirectUri !== form.get('redirect_uri')) {
      return json(response, 400, { error: 'invalid_grant' })
    }
    const { nonce, person } = grant
    await self.meanwhile?.()
    const { nextAnswer } = self
    self.nextAnswer = undefined
    if (nextAnswer !== undefined) return json(response, nextAnswer.status, nextAnswer.body)
    const idToken = await self.token({ ...person, aud: clientId, nonce, ...self.idTokenClaims } as JWTPayload)
    json(response, 200, { access_token: randomBytes(16).toString('hex'), token_type: 'Bearer', id_token: idToken })
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', self.url)
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return json(response, 200, {
          issuer: self.url,
          authorization_endpoint: `${self.url}/authorize`,
          token_endpoint: `${self.url}/token`,
          jwks_uri: `${self.url}/keys`,
          response_types_supported: ['code'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
          code_challenge_methods_supported: ['S256'],
          authorization_response_iss_parameter_supported: true,
        })
      case '/keys':
        keysAsked++
        return json(response, 200, { keys: [jwk] })
      case '/authorize':
        return authorize(url, response)
      case '/token':
        return void exchange(request, response)
      default:
        return json(response, 404, {})
    }
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const stop = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }
  await listen(0)
  const { port } = server.address() as AddressInfo

  const self: FakeIssuer = {
    url: `http://127.0.0.1:${port}`,
    person: { sub: 'ada', email: 'ada@example.com', email_verified: true, name: 'Ada Lovelace' },
    nextError: undefined,
    nextAnswer: undefined,
    meanwhile: undefined,
    idTokenClaims: {},
    get keysAsked() {
      return keysAsked
    },
    publicKey: () => jwk,
    rotate: async () => {
      pair = await generateKeyPair('RS256', { extractable: true })
      kid = randomBytes(8).toString('hex')
      await publish()
    },
    token: async (claims, header = {}) => {
      const now = Math.floor(Date.now() / 1_000)
      return await new SignJWT({ iss: self.url, iat: now, exp: now + 300, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid, ...header })
        .sign(pair.privateKey)
    },
    goAway: stop,
    comeBack: () => listen(port),
    close: stop,
  }
  return self
}
