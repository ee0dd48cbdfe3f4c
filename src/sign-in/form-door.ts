// The door of a page with a form: GET shows it, POST does what it asks for and goes on to another page with 303. What
// cannot be done shows the page again, with what was typed but passwords, and what is wrong beside its field.

import type { Exchange, Route } from '../platform/http/router.ts'
import { isAppError } from '../platform/lib/errors.ts'
import { type Fault, goOn, type Shown, sendPage, statusOfCode } from './page.ts'
import { openVisit, readForm, requireOwnForm, type Sent, type Visit, type VisitMeans } from './visit.ts'

/** What the page is shown with. */
export interface Showing {
  /** What was typed, or what the address gives to begin with. */
  readonly typed: ReadonlyMap<string, string>
  readonly fault: Fault | undefined
}

export interface FormDoor {
  readonly path: string
  /** `signed in`: who is not goes to sign in first; `stranger`: who is signed in goes on; `anyone`: either. */
  readonly who: 'signed in' | 'stranger' | 'anyone'
  show(visit: Visit, showing: Showing): Promise<Shown> | Shown
  /** Does it, and says where to go on. Throws an AppError that the page shows. */
  act(visit: Visit, sent: Sent): Promise<string>
}

export interface FormDoorMeans extends VisitMeans {
  /** Where to go from a page for strangers, for who is signed in. */
  readonly landing: string
}

export function formDoor(means: FormDoorMeans, door: FormDoor): Route[] {
  const show = async (visit: Visit, typed: Showing['typed'], fault?: Fault) => {
    const shown = await door.show(visit, { typed, fault })
    await sendPage(visit.exchange, { ...shown, status: fault?.status ?? shown.status ?? 200 }, fault?.retryAfterMs)
  }

  const enter = async (exchange: Exchange): Promise<Visit | undefined> => {
    const visit = await openVisit(means, exchange)
    if (door.who === 'signed in' && visit.person === undefined) {
      const { pathname, search } = exchange.url
      goOn(exchange, `/sign-in?${new URLSearchParams({ next: `${pathname}${search}` })}`)
      return undefined
    }
    return visit
  }

  return [
    {
      method: 'GET',
      path: door.path,
      handler: async (exchange) => {
        const visit = await enter(exchange)
        if (visit === undefined) return
        if (door.who === 'stranger' && visit.person !== undefined) return goOn(exchange, means.landing)
        await show(visit, new Map(exchange.url.searchParams))
      },
    },
    {
      method: 'POST',
      path: door.path,
      handler: async (exchange) => {
        const visit = await enter(exchange)
        if (visit === undefined) return
        let sent: Sent = new Map()
        try {
          sent = await readForm(visit)
          requireOwnForm(means, visit, sent)
          const location = await door.act(visit, sent)
          // An action that leads away from here has answered by itself.
          if (!exchange.response.headersSent) goOn(exchange, location)
        } catch (err) {
          // A body that is too large was not read to its end; the server knows how to answer and to close.
          if (!isAppError(err) || err.details.limit === 'SIZE') throw err
          const { code, message, details } = err
          const issues = details.issues ?? []
          const problem = issues.length === 0 ? message : undefined
          await show(visit, sent, { status: statusOfCode(code), issues, problem, retryAfterMs: details.retryAfterMs })
        }
      },
    },
  ]
}
