import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from './config.ts'

function faultsOf(env: NodeJS.ProcessEnv): ConfigError {
  try {
    loadConfig(env, false)
  } catch (err) {
    if (err instanceof ConfigError) return err
    throw err
  }
  throw new Error('the settings were accepted')
}

const KEY = Buffer.alloc(32, 1).toString('base64')
const OLD_KEY = Buffer.alloc(32, 2).toString('base64')

describe('loadConfig', () => {
  it('knows the scripts of ours that npm runs', () => {
    const isStarted = (event: string) => loadConfig({ npm_lifecycle_event: event }, true).startedByNpm
    expect(['start', 'server', 'worker', 'test', 'prestart', ''].map(isStarted)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ])
  })

  it('needs no setting at all', () => {
    expect(loadConfig({}, true)).toEqual({
      database: {
        url: undefined,
        appUrl: undefined,
        systemUrl: undefined,
        directUrl: undefined,
        poolApp: 10,
        poolSystem: 4,
      },
      http: {
        host: '127.0.0.1',
        port: 4000,
        publicUrl: undefined,
        trustProxy: 0,
        maxBodyBytes: 1_048_576,
        corsOrigins: [],
        startPage: true,
      },
      graphql: {
        introspection: true,
        graphiql: true,
        trustedDocuments: undefined,
        trustedDocumentsOnly: false,
      },
      limits: { costPerMinute: 1_000_000, costPerMinuteAnonymous: 20_000, store: 'memory' },
      log: { level: 'info', format: 'pretty' },
      model: { anthropicApiKey: undefined, anthropicBaseUrl: undefined },
      mail: { smtpUrl: undefined, from: undefined, privateServers: true },
      oidc: undefined,
      accounts: { signUp: 'open' },
      secrets: { keys: [] },
      runs: { concurrency: 1000 },
      demo: { sampleLeads: 6 },
      metrics: { port: undefined, token: undefined },
      dir: resolve('.cadre'),
      production: false,
      startedByNpm: false,
    })
  })

  it('takes every setting', () => {
    const config = loadConfig(
      {
        DATABASE_URL: 'postgresql://owner:secret@db.local/cadre',
        DATABASE_APP_URL: 'postgres://app@db.local/cadre',
        DATABASE_SYSTEM_URL: 'postgres://system@db.local/cadre',
        DATABASE_DIRECT_URL: 'postgres://owner@direct.local/cadre',
        POOL_APP: '20',
        POOL_SYSTEM: '5',
        HOST: '0.0.0.0',
        PORT: '0',
        PUBLIC_URL: 'https://cadre.example/',
        TRUST_PROXY: '1',
        MAX_BODY_BYTES: '2048',
        CORS_ORIGINS: 'https://app.example.com, http://localhost:3000,',
        START_PAGE: 'off',
        INTROSPECTION: 'on',
        GRAPHIQL: 'off',
        TRUSTED_DOCUMENTS: '/etc/cadre/documents.json',
        TRUSTED_DOCUMENTS_ONLY: 'off',
        COST_PER_MINUTE: '50000',
        COST_PER_MINUTE_ANONYMOUS: '500',
        LIMITS_STORE: 'postgres',
        LOG_LEVEL: 'debug',
        LOG_FORMAT: 'json',
        ANTHROPIC_API_KEY: 'sk-ant-1',
        ANTHROPIC_BASE_URL: 'http://127.0.0.1:8080',
        SMTP_URL: 'smtp://mail.local:25',
        MAIL_FROM: 'Cadre <hello@cadre.example>',
        OIDC_ISSUER: 'https://login.example.com/realms/acme',
        OIDC_CLIENT_ID: 'cadre',
        OIDC_CLIENT_SECRET: 'shared',
        OIDC_AUDIENCE: 'cadre-api',
        OIDC_NAME: 'Acme',
        OIDC_LINK_BY_EMAIL: 'on',
        PRIVATE_MAIL_SERVERS: 'on',
        SECRET_KEY: `${KEY}, ${OLD_KEY}`,
        RUN_CONCURRENCY: '64',
        SAMPLE_LEADS: '25',
        METRICS_PORT: '9464',
        METRICS_TOKEN: 'for-prometheus-only',
        CADRE_DIR: '/var/data',
        NODE_ENV: 'production',
      },
      true,
    )
    expect(config).toEqual({
      database: {
        url: 'postgresql://owner:secret@db.local/cadre',
        appUrl: 'postgres://app@db.local/cadre',
        systemUrl: 'postgres://system@db.local/cadre',
        directUrl: 'postgres://owner@direct.local/cadre',
        poolApp: 20,
        poolSystem: 5,
      },
      http: {
        host: '0.0.0.0',
        port: 0,
        publicUrl: 'https://cadre.example',
        trustProxy: 1,
        maxBodyBytes: 2048,
        corsOrigins: ['https://app.example.com', 'http://localhost:3000'],
        startPage: false,
      },
      graphql: {
        introspection: true,
        graphiql: false,
        trustedDocuments: '/etc/cadre/documents.json',
        trustedDocumentsOnly: false,
      },
      limits: { costPerMinute: 50_000, costPerMinuteAnonymous: 500, store: 'postgres' },
      log: { level: 'debug', format: 'json' },
      model: { anthropicApiKey: 'sk-ant-1', anthropicBaseUrl: 'http://127.0.0.1:8080' },
      mail: { smtpUrl: 'smtp://mail.local:25', from: 'Cadre <hello@cadre.example>', privateServers: true },
      oidc: {
        issuer: 'https://login.example.com/realms/acme',
        clientId: 'cadre',
        clientSecret: 'shared',
        audience: 'cadre-api',
        name: 'Acme',
        linkByEmail: true,
      },
      accounts: { signUp: 'invited' },
      secrets: { keys: [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] },
      runs: { concurrency: 64 },
      demo: { sampleLeads: 25 },
      metrics: { port: 9464, token: 'for-prometheus-only' },
      dir: '/var/data',
      production: true,
      startedByNpm: false,
    })
  })

  it('reports all faults together, in one line', () => {
    const { message, faults } = faultsOf({ PORT: '40o0', LOG_LEVEL: 'loud', ANTHROPIC_BASE_URL: 'nowhere' })
    expect(faults).toHaveLength(3)
    expect(message).toBe(
      '3 settings are wrong: PORT "40o0" is not a number · LOG_LEVEL "loud" is none of error warn info debug · ' +
        'ANTHROPIC_BASE_URL is not a URL',
    )
  })

  it('speaks of one setting in the singular', () => {
    expect(faultsOf({ PORT: '70000' }).message).toBe('1 setting is wrong: PORT "70000" is not between 0 and 65535')
  })

  it('says what a number must be', () => {
    expect(faultsOf({ POOL_APP: '1.5', POOL_SYSTEM: '1', RUN_CONCURRENCY: '-1', TRUST_PROXY: 'true' }).faults).toEqual([
      'POOL_APP "1.5" is not a whole number',
      'POOL_SYSTEM "1" is not between 3 and 1000',
      'TRUST_PROXY "true" is not a number',
      'RUN_CONCURRENCY "-1" is not between 1 and 100000',
    ])
  })

  it('refuses a key that is no 32 bytes in base64, without repeating it', () => {
    const fault = 'SECRET_KEY is not 32 bytes in base64, or several such with commas between them'
    for (const text of ['c2hvcnQ=', `${KEY},c2hvcnQ=`, KEY.slice(0, -1), `${KEY} ${OLD_KEY}`, 'a'.repeat(44)]) {
      expect(faultsOf({ SECRET_KEY: text }).faults).toEqual([fault])
    }
  })

  it('allows mail servers in private networks but in production, unless told', () => {
    const allows = (env: NodeJS.ProcessEnv) => loadConfig(env, true).mail.privateServers
    expect(allows({ NODE_ENV: 'production' })).toBe(false)
    expect(allows({ NODE_ENV: 'production', PRIVATE_MAIL_SERVERS: 'on' })).toBe(true)
    expect(allows({ PRIVATE_MAIL_SERVERS: 'off' })).toBe(false)
  })

  it('refuses a token that is guessed or cut off, without repeating it', () => {
    expect(faultsOf({ METRICS_TOKEN: 'short' }).faults).toEqual([
      'METRICS_TOKEN is not 16 or more characters without blanks',
    ])
    expect(faultsOf({ METRICS_TOKEN: 'two words of some length', METRICS_PORT: '70000' }).faults).toEqual([
      'METRICS_PORT "70000" is not between 0 and 65535',
      'METRICS_TOKEN is not 16 or more characters without blanks',
    ])
  })

  it('refuses a URL of another kind', () => {
    expect(faultsOf({ DATABASE_URL: 'mysql://db.local/cadre', SMTP_URL: 'http://mail.local' }).faults).toEqual([
      'DATABASE_URL does not begin with postgres:// or postgresql://',
      'SMTP_URL does not begin with smtp:// or smtps://',
    ])
  })

  it('refuses a sender that is no address', () => {
    expect(faultsOf({ MAIL_FROM: 'somebody' }).message).toContain('MAIL_FROM "somebody" is neither an address')
  })

  it('refuses an origin that no browser would send', () => {
    const wrong = [
      '*',
      'app.example.com',
      'https://app.example.com/',
      'https://app.example.com/path',
      'ftp://a.example',
    ]
    for (const origin of [...wrong, 'https://App.example.com', 'https://app.example.com:443']) {
      const { faults } = faultsOf({ CORS_ORIGINS: `https://ok.example,${origin}` })
      expect(faults).toEqual([
        `CORS_ORIGINS "https://ok.example,${origin}" has an origin that is not written as https://app.example.com: ${origin}`,
      ])
    }
  })

  it('takes an issuer that is safe to send people to, and no setting of one that stands alone', () => {
    const oidcOf = (env: NodeJS.ProcessEnv) => loadConfig({ OIDC_CLIENT_ID: 'cadre', ...env }, false).oidc
    expect(oidcOf({ OIDC_ISSUER: 'http://127.0.0.1:8080/realms/acme' })).toMatchObject({
      audience: undefined,
      name: '127.0.0.1:8080',
      linkByEmail: false,
    })
    const wrong = ['http://login.example.com', 'ftp://login.example.com', 'https://login.example.com/?a=b', 'login']
    for (const issuer of wrong) {
      expect(faultsOf({ OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'cadre' }).faults[0]).toContain(
        `OIDC_ISSUER "${issuer}" is not`,
      )
    }
    expect(
      faultsOf({ OIDC_CLIENT_ID: 'cadre', OIDC_CLIENT_SECRET: 'shared', OIDC_LINK_BY_EMAIL: 'on' }).faults,
    ).toEqual([
      'OIDC_CLIENT_ID is set, but OIDC_ISSUER is not',
      'OIDC_CLIENT_SECRET is set, but OIDC_ISSUER is not',
      'OIDC_LINK_BY_EMAIL is set, but OIDC_ISSUER is not',
    ])
    const issuer = 'https://login.example.com'
    expect(faultsOf({ OIDC_ISSUER: issuer }).faults).toEqual([
      'OIDC_ISSUER is set, but neither OIDC_CLIENT_ID nor OIDC_AUDIENCE is',
    ])
    expect(faultsOf({ OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'cadre', OIDC_AUDIENCE: 'cadre' }).faults).toEqual([
      'OIDC_AUDIENCE is the client id, for which ID tokens are made: give the API an identifier of its own',
    ])
    expect(faultsOf({ OIDC_ISSUER: issuer, OIDC_AUDIENCE: 'api', OIDC_CLIENT_SECRET: 'shared' }).faults).toEqual([
      'OIDC_CLIENT_SECRET is set, but OIDC_CLIENT_ID is not',
    ])
  })

  it('never repeats a secret in a fault', () => {
    const secret = 'hunter2'
    const { message } = faultsOf({
      DATABASE_URL: `mysql://me:${secret}@db.local/cadre`,
      DATABASE_APP_URL: secret,
      SMTP_URL: secret,
      ANTHROPIC_BASE_URL: `ftp://me:${secret}@models.local`,
    })
    expect(message).toContain('4 settings are wrong')
    expect(message).not.toContain(secret)
  })

  it('takes a setting that is present but empty as absent', () => {
    expect(loadConfig({ PORT: '', DATABASE_URL: ' ', LOG_LEVEL: '', ANTHROPIC_API_KEY: '' }, false)).toEqual(
      loadConfig({}, false),
    )
  })

  it('writes the log as JSON where nobody watches, and as asked where LOG_FORMAT says so', () => {
    expect(loadConfig({}, false).log.format).toBe('json')
    expect(loadConfig({ LOG_FORMAT: 'pretty' }, false).log.format).toBe('pretty')
    expect(loadConfig({ LOG_FORMAT: 'json' }, true).log.format).toBe('json')
  })

  it('begins a demo with leads, but never unasked where they would cost money or send mail', () => {
    const leadsOf = (env: NodeJS.ProcessEnv) => loadConfig(env, false).demo.sampleLeads
    expect(leadsOf({})).toBe(6)
    expect(leadsOf({ ANTHROPIC_API_KEY: 'sk-ant-1' })).toBe(0)
    expect(leadsOf({ SMTP_URL: 'smtp://mail.local' })).toBe(0)
    expect(leadsOf({ ANTHROPIC_API_KEY: 'sk-ant-1', SAMPLE_LEADS: '3' })).toBe(3)
    expect(leadsOf({ SAMPLE_LEADS: '0' })).toBe(0)
    expect(faultsOf({ SAMPLE_LEADS: '101', START_PAGE: 'hidden' }).faults).toEqual([
      'START_PAGE "hidden" is none of on off',
      'SAMPLE_LEADS "101" is not between 0 and 100',
    ])
  })

  it('takes known documents only where a manifest is given, unless told', () => {
    const only = (env: NodeJS.ProcessEnv) => loadConfig(env, false).graphql.trustedDocumentsOnly
    expect(only({ TRUSTED_DOCUMENTS: 'documents.json' })).toBe(true)
    expect(only({ TRUSTED_DOCUMENTS: 'documents.json', TRUSTED_DOCUMENTS_ONLY: 'off' })).toBe(false)
    expect(only({ TRUSTED_DOCUMENTS_ONLY: 'on' })).toBe(true)
    expect(loadConfig({ TRUSTED_DOCUMENTS: 'a/b.json' }, false).graphql.trustedDocuments).toBe(resolve('a/b.json'))
  })

  it('shows the schema and the page to play with while one develops, unless told', () => {
    const shown = (env: NodeJS.ProcessEnv) => {
      const { introspection, graphiql } = loadConfig(env, false).graphql
      return [introspection, graphiql]
    }
    expect(shown({})).toEqual([true, true])
    expect(shown({ NODE_ENV: 'production' })).toEqual([false, false])
    expect(shown({ TRUSTED_DOCUMENTS_ONLY: 'on' })).toEqual([false, false])
    expect(shown({ NODE_ENV: 'production', INTROSPECTION: 'on' })).toEqual([true, false])
    expect(shown({ GRAPHIQL: 'off' })).toEqual([true, false])
    expect(shown({ TRUSTED_DOCUMENTS_ONLY: 'on', GRAPHIQL: 'on', INTROSPECTION: 'on' })).toEqual([true, true])
  })

  it('is frozen in every group', () => {
    const config = loadConfig({}, false)
    for (const value of [
      config,
      config.database,
      config.http,
      config.graphql,
      config.limits,
      config.log,
      config.model,
      config.mail,
      config.runs,
      config.demo,
      config.http.corsOrigins,
    ]) {
      expect(Object.isFrozen(value)).toBe(true)
    }
  })
})
