// Loaded into every Node of a newcomer's by NODE_OPTIONS: there is no network but this machine, except for `npm ci`. Who asks
// for more gets the error that a machine without a network gives, and is written down in NETWORK_ATTEMPTS. CommonJS, because
// only what is required is loaded into all workers too.

const dgram = require('node:dgram')
const dns = require('node:dns')
const { appendFileSync } = require('node:fs')
const { syncBuiltinESMExports } = require('node:module')
const net = require('node:net')

const [, program = '', command] = process.argv

// What an installation starts installs as well.
if (/\bnpm(-cli\.js)?$/.test(program) && command === 'ci') delete process.env.NODE_OPTIONS
else cutOff()

function cutOff() {
  const isThisMachine = (host) => host === undefined || /^(localhost|127(\.\d+){3}|::1)$/.test(host)

  const refusal = (code, wish) => {
    appendFileSync(process.env.NETWORK_ATTEMPTS, `${wish} by ${process.argv.join(' ')}\n`)
    return Object.assign(new Error(`${code}: ${wish}`), { code })
  }

  const { connect } = net.Socket.prototype
  net.Socket.prototype.connect = function (...args) {
    // `net.connect` hands its own arguments over as one, in order.
    const [to, second] = Array.isArray(args[0]) ? args[0] : args
    const options = typeof to === 'object' ? to : { port: to, host: typeof second === 'string' ? second : undefined }
    if (options.path != null || isThisMachine(options.host)) return connect.apply(this, args)
    const refused = refusal('ENETUNREACH', `connect ${options.host}:${options.port}`)
    // Later, as from a network: who asked may not listen for errors yet.
    setImmediate(() => this.destroy(refused))
    return this
  }

  dgram.Socket.prototype.send = (...args) => {
    throw refusal('ENETUNREACH', `send ${args.filter((arg) => ['string', 'number'].includes(typeof arg)).join(' ')}`)
  }

  for (const asker of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) {
    for (const name of Object.keys(Object.getOwnPropertyDescriptors(asker))) {
      if (!/^(lookup|resolve|reverse)/.test(name)) continue
      const original = asker[name]
      asker[name] = function (host, ...rest) {
        if (name === 'lookup' && (isThisMachine(host) || net.isIP(host) > 0)) return original.call(this, host, ...rest)
        const refused = refusal('ENOTFOUND', `${name} ${host}`)
        const tell = rest.at(-1)
        if (typeof tell !== 'function') return Promise.reject(refused)
        process.nextTick(tell, refused)
        return undefined
      }
    }
  }
  syncBuiltinESMExports()
}
