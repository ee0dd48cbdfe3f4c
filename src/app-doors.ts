// The half of the composition root that serves: which doors there are, and what each is given. It is part of `app.ts`, which
// opens what they lead to.

import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { AppOptions } from './app.ts'
import { createAccountMeans } from './domains/accounts/means.ts'
import { announceSetup } from './domains/accounts/setup.ts'
import { eventTypes, namesOfThings } from './domains/event-types.ts'
import type { Mailer } from './domains/mail/mailer.ts'
import { formOrigins, formRoutes } from './domains/submissions/http.ts'
import { findNewest } from './explorer/newest.ts'
import { explorerPage } from './explorer/page.ts'
import { ownDocuments } from './own-documents.ts'
import { createAuthenticator } from './platform/auth/authenticate.ts'
import { warnOfStore } from './platform/auth/cost-budgets.ts'
import { createIssuer } from './platform/auth/issuer.ts'
import type { Database } from './platform/db/database.ts'
import { packageRoot, packageVersion } from './platform/db/package-root.ts'
import { serverSecret } from './platform/db/server-secret.ts'
import type { Events } from './platform/events/events.ts'
import { readManifest, warnOfUnfit } from './platform/graphql/document-manifest.ts'
import { graphqlDoors } from './platform/graphql/doors.ts'
import { schemaRoutes } from './platform/graphql/schema-routes.ts'
import { warnOfUnusedQueries } from './platform/graphql/unused-queries.ts'
import { createCors } from './platform/http/cors.ts'
import { comesFromHere, comesFromPageHere } from './platform/http/from-here.ts'
import { databaseAnswers, healthRoutes } from './platform/http/health.ts'
import { openapiRoute } from './platform/http/openapi.ts'
import { type HttpServer, openHttpServer } from './platform/http/server.ts'
import { shownUrl } from './platform/http/shown-url.ts'
import { systemClock } from './platform/lib/clock.ts'
import type { Metrics } from './platform/observability/metrics.ts'
import { metricsRoute } from './platform/observability/metrics-door.ts'
import { referenceRoutes } from './platform/reference/http.ts'
import { schema } from './schema.ts'
import { findSignedIn, type SignInMeans, signInRoutes } from './sign-in/http.ts'
import { startPageRoutes } from './start-page/http.ts'

/** What the doors lead to. */
export interface House {
  readonly db: Database
  readonly events: Events
  readonly metrics: Metrics
  readonly mailer: Mailer
  readonly opened: (() => Promise<unknown>)[]
}

/** Opens what people and programs come in by: GraphQL, forms, pages, health. What is to be closed again is put to `opened`. */
export async function openDoors(
  options: AppOptions,
  { db, events, metrics, mailer, opened }: House,
): Promise<HttpServer> {
  const { config, log, development } = options
  const clock = systemClock
  const { bell, feed } = events
  if (config.production) warnOfUnusedQueries(log)
  let server: HttpServer | undefined
  const accounts = createAccountMeans({
    db,
    clock,
    log,
    mailer,
    signUp: config.accounts.signUp,
    issuer: config.oidc,
    publicUrl: () => config.http.publicUrl ?? shownUrl(server?.url ?? ''),
    tellLinks: !config.production,
  })
  opened.push(() => accounts.close())
  const { oidc } = config
  const issuer = oidc === undefined ? undefined : createIssuer({ ...oidc, clock, log })
  const authenticator = createAuthenticator({ db, clock, log, accessTokens: accounts.accessTokens, issuer })
  const newest = async (of: { readonly workspaceId: string } | { readonly key: string }) => {
    const { workspaceId } = 'key' in of ? await authenticator.authenticate(`Bearer ${of.key}`) : of
    return workspaceId === undefined ? {} : await findNewest(db, workspaceId)
  }
  const { trustedDocuments, trustedDocumentsOnly: only } = config.graphql
  const given = trustedDocuments === undefined ? new Map<string, string>() : readManifest(trustedDocuments)
  warnOfUnfit(schema, given, log)
  const { introspection, graphiql } = config.graphql
  const { costPerMinute: perMinute, costPerMinuteAnonymous: perMinuteAnonymous, store } = config.limits
  const graphql = graphqlDoors({
    schema,
    services: {
      db,
      bell,
      clock,
      log,
      feed,
      eventTypes,
      names: namesOfThings,
      publicUrl: config.http.publicUrl,
      accounts,
    },
    authenticator,
    budgets: {
      perMinute,
      perMinuteAnonymous,
      ...(store === 'postgres' ? { shared: db.system, onStoreAway: warnOfStore(log) } : {}),
    },
    documents: { known: new Map([...ownDocuments, ...given]), only },
    introspection,
    ...(graphiql ? { graphiql: explorerPage({ key: options.graphiqlKey, newest }) } : {}),
    maxMessageBytes: config.http.maxBodyBytes,
    trustProxy: config.http.trustProxy,
    observe: metrics.operations,
  })
  opened.push(async () => graphql.close())
  metrics.state('cadre_websockets_open', 'WebSockets open now.', [], () => [{ value: graphql.sockets.count() }])
  const routes = [
    ...healthRoutes([databaseAnswers(db.app)], () => server?.stopping() ?? false),
    graphql.route,
    ...formRoutes({
      db,
      bell,
      clock,
      log,
      secret: await serverSecret(db, 'form-door'),
      publicUrl: config.http.publicUrl,
    }),
    ...schemaRoutes(schema, config.http.publicUrl),
    ...referenceRoutes(join(packageRoot(), 'dist', 'docs')),
  ]
  const signIn: SignInMeans = {
    db,
    bell,
    clock,
    log,
    accounts,
    authenticator,
    watch: graphql.watch,
    formKey: await serverSecret(db, 'sign-in-forms'),
    publicUrl: config.http.publicUrl,
    issuer,
    linkByEmail: oidc?.linkByEmail === true,
    landing: config.http.startPage ? '/' : '/account',
  }
  routes.push(...signInRoutes(signIn))
  const { token } = config.metrics
  if (development || token !== undefined) {
    const isHere = (request: IncomingMessage) => comesFromHere(request) || comesFromPageHere(request)
    routes.push(metricsRoute({ metrics, token, isOpenTo: (request) => development && isHere(request) }))
  }
  if (config.http.startPage) {
    const mode = config.model.anthropicApiKey === undefined ? 'rehearsal' : 'live'
    routes.push(
      ...startPageRoutes({
        db,
        feed,
        clock,
        mode,
        graphiql,
        ask: graphql.ask,
        publicUrl: config.http.publicUrl,
        signedIn: (exchange) => findSignedIn(signIn, exchange),
        demo: options.demo,
        others: routes,
      }),
    )
  }
  server = await openHttpServer({
    routes: [...routes, openapiRoute(routes, packageVersion())],
    sockets: graphql.sockets,
    log,
    host: config.http.host,
    port: config.http.port,
    maxBodyBytes: config.http.maxBodyBytes,
    trustProxy: config.http.trustProxy,
    publicUrl: config.http.publicUrl,
    onAnswered: metrics.http,
    cors: createCors({
      origins: config.http.corsOrigins,
      loopback: development,
      ruleAt: formOrigins(db),
      setting: 'CORS_ORIGINS',
      log,
    }),
  })
  const opening = server
  opened.push(() => opening.close())
  await announceSetup({ db, log, accounts })
  return opening
}
