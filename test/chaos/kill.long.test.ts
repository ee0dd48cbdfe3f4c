import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { Cluster } from '../events/cluster.ts'
import { RawSubscriber } from '../support/raw-subscriber.ts'
import { ServerProcess } from '../support/server-process.ts'
import { runSql } from '../support/sql.ts'
import { createTestDatabase } from '../support/test-database.ts'
import {
  expectEachLeadWorkedOnce,
  expectNothingMissed,
  FEED,
  type FeedItem,
  headOf,
  sendSample,
  untilSettled,
} from './accounting.ts'

const FULL = process.env.FULL === '1'
const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const follow = (server: ServerProcess): RawSubscriber<FeedItem> => {
  const subscriber = new RawSubscriber<FeedItem>({ url: () => server.url, key: server.key, query: FEED })
  cleanups.push(() => subscriber.stop())
  return subscriber
}

async function startServer(databaseUrl: string, beside?: ServerProcess): Promise<ServerProcess> {
  const server = await ServerProcess.start({ databaseUrl }, beside)
  cleanups.push(() => (beside === undefined ? server.remove() : server.stop()))
  return server
}

test('the server is killed in the middle of its leads and started again: each lead is worked exactly once', async () => {
  const database = await createTestDatabase()
  cleanups.push(() => database.drop())
  const server = await startServer(database.url)
  const head = await headOf(database.url)
  const subscriber = follow(server)
  await subscriber.subscribed
  const count = FULL ? 500 : 150
  let killing: Promise<void> | undefined
  const sent = await sendSample(count, `${server.url}/f/demo/book-a-demo`, (answered) => {
    if (answered < count / 2 || killing !== undefined) return
    killing = (async () => {
      await server.kill()
      await server.start()
    })()
  })
  await killing
  expect(killing).toBeDefined()
  await untilSettled(database.url)
  await expectEachLeadWorkedOnce(database.url, sent)
  const events = await expectNothingMissed(database.url, subscriber, head)
  expect(subscriber.connections).toBeGreaterThan(1)
  process.stdout.write(`SIGKILL: ${count} leads, ${events} events, ${subscriber.connections} connections\n`)
})

test('a server that sleeps for a minute while another works comes back and repeats nothing', async () => {
  const database = await createTestDatabase()
  cleanups.push(() => database.drop())
  const sleeper = await startServer(database.url)
  const other = await startServer(database.url, sleeper)
  const head = await headOf(database.url)
  const subscriber = follow(other)
  await subscriber.subscribed
  const count = FULL ? 500 : 100
  let asleep: Promise<void> | undefined
  const sent = await sendSample(count, `${other.url}/f/demo/book-a-demo`, (answered) => {
    if (answered < count / 4 || asleep !== undefined) return
    sleeper.signal('SIGSTOP')
    asleep = sleep(60_000).then(() => sleeper.signal('SIGCONT'))
  })
  await asleep
  await untilSettled(database.url)
  await expectEachLeadWorkedOnce(database.url, sent)
  const events = await expectNothingMissed(database.url, subscriber, head)
  process.stdout.write(`SIGSTOP: ${count} leads, ${events} events\n`)
})

test('PostgreSQL crashes and restarts under the server: every accepted lead is worked, and the stream loses nothing', async () => {
  const cluster = await Cluster.create('embedded')
  await cluster.start()
  cleanups.push(async () => cluster.stop('immediate').catch(() => {}))
  await runSql(cluster.url(), `create role cadre login createrole createdb password 'cadre'`)
  await runSql(cluster.url(), 'create database cadre owner cadre')
  const databaseUrl = `postgresql://cadre:cadre@127.0.0.1:${cluster.port}/cadre`
  const server = await startServer(databaseUrl)
  const head = await headOf(databaseUrl)
  const subscriber = follow(server)
  await subscriber.subscribed
  const count = FULL ? 500 : 150
  let crashing: Promise<void> | undefined
  const sent = await sendSample(count, `${server.url}/f/demo/book-a-demo`, (answered) => {
    if (answered < count / 2 || crashing !== undefined) return
    crashing = (async () => {
      await cluster.stop('immediate')
      await cluster.start()
    })()
  })
  await crashing
  expect(crashing).toBeDefined()
  await untilSettled(databaseUrl)
  await expectEachLeadWorkedOnce(databaseUrl, sent)
  const events = await expectNothingMissed(databaseUrl, subscriber, head)
  process.stdout.write(`PostgreSQL -m immediate: ${count} leads, ${events} events\n`)
})
