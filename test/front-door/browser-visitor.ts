import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'

// A browser as far as signing in needs one: it keeps cookies, says where its requests come from, and sends forms.

export interface Answered {
  readonly status: number
  readonly location: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

type Headers = Readonly<Record<string, string | undefined>>

export class Visitor {
  readonly url: string
  readonly cookies = new Map<string, string>()

  constructor(url: string) {
    this.url = url
  }

  get cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** The secret of the session, as a thief would want it. */
  get session(): string | undefined {
    return this.cookies.get('cadre_session')
  }

  async send(method: string, path: string, headers: Headers = {}, body?: string): Promise<Answered> {
    const all = { cookie: this.cookieHeader, accept: 'text/html', ...headers }
    const sent = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== ''))
    const asked = request(new URL(path, this.url), { method, headers: sent as Record<string, string> })
    asked.end(body)
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/Max-Age=0/.test(line)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    const { statusCode: status = 0, headers: answered } = answer
    return { status, location: answered.location, headers: answered, body: await text(answer) }
  }

  /** Goes to a page; a number of redirects are not followed. */
  visit(path: string, headers: Headers = {}): Promise<Answered> {
    return this.send('GET', path, { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate', ...headers })
  }

  /** Sends a form from its page: what the page holds unseen goes with it, unless told otherwise. */
  async submit(...form: Parameters<Visitor['fill']>): Promise<Answered> {
    const press = await this.fill(...form)
    return await press()
  }

  /** A form of a page, filled in; the function that is returned sends it. */
  async fill(
    page: string,
    fields: Readonly<Record<string, string>>,
    options: { readonly to?: string; readonly headers?: Headers } = {},
  ): Promise<() => Promise<Answered>> {
    const { body } = await this.visit(page)
    const action = options.to ?? new URL(page, this.url).pathname
    const form = [...body.matchAll(/<form method="post" action="([^"]+)"[^>]*>([\s\S]*?)<\/form>/g)].find(
      ([, to]) => to === action,
    )
    const hidden = [...(form?.[2] ?? '').matchAll(/<input type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name, value] as const,
    )
    return () => this.post(action, { ...Object.fromEntries(hidden), ...fields }, options.headers)
  }

  /** Sends a form as it is given. */
  post(path: string, fields: Readonly<Record<string, string>>, headers: Headers = {}): Promise<Answered> {
    return this.send(
      'POST',
      path,
      { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', ...headers },
      String(new URLSearchParams(fields)),
    )
  }

  /** An operation as a page of ours would send it. */
  async ask(query: string, headers: Headers = {}): Promise<{ readonly status: number; readonly body: unknown }> {
    const answer = await this.send(
      'POST',
      '/graphql',
      { 'content-type': 'application/json', accept: 'application/json', 'sec-fetch-site': 'same-origin', ...headers },
      JSON.stringify({ query }),
    )
    return { status: answer.status, body: JSON.parse(answer.body) as unknown }
  }
}

export const PASSWORD = 'tangerine ladder spoon'

/** A person who has signed up here, with a workspace of their own. */
export async function signedUp(
  url: string,
  email: string,
  name = 'Grace Hopper',
  workspaceName = 'Fleet',
): Promise<Visitor> {
  const visitor = new Visitor(url)
  const answer = await visitor.submit('/sign-up', { email, name, password: PASSWORD, workspaceName })
  if (answer.status !== 303) throw new Error(`${answer.status}: ${answer.body}`)
  return visitor
}
