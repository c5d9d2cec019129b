// Signs a person in with openid-client as it comes: discovery, code with PKCE, ID token, userinfo, refresh, revocation.
'use strict'

const [, , origin, clientId, clientSecret, tenant, link, email] = process.argv
const PASSWORD = 'a long sentence that nobody guesses'
const CALLBACK = 'http://127.0.0.1:9/callback'
const SCOPE = 'openid profile email offline_access decision:read'

// A browser without scripts: keeps cookies, follows redirects, sends the forms of pages.
class Browser {
  cookies = new Map()

  async go(method, address, fields) {
    for (let turns = 0; turns < 10; turns += 1) {
      if (address.startsWith(CALLBACK)) return { url: address }
      const answer = await fetch(new URL(address, origin), {
        method,
        redirect: 'manual',
        body: fields && new URLSearchParams(fields),
        headers: { cookie: [...this.cookies].map((pair) => pair.join('=')).join('; '), 'sec-fetch-site': 'same-origin' },
      })
      for (const cookie of answer.headers.getSetCookie()) {
        const [name, ...value] = cookie.split(';')[0].split('=')
        this.cookies.set(name, value.join('='))
      }
      if (answer.status !== 303) return { url: answer.url, status: answer.status, text: await answer.text() }
      ;[method, address, fields] = ['GET', answer.headers.get('location'), undefined]
    }
    throw new Error('too many redirects')
  }

  send(page, fields) {
    const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map((found) => found.slice(1))
    const action = page.text.match(/<form[^>]*action="([^"]*)"/)
    return this.go('POST', action ? action[1].replaceAll('&amp;', '&') : page.url, { ...Object.fromEntries(hidden), ...fields })
  }
}

async function main() {
  const client = await import('openid-client')
  const browser = new Browser()
  const welcome = await browser.send(await browser.go('GET', link), { password: PASSWORD, repeated: PASSWORD })
  if (welcome.status !== 200) throw new Error(`${link.length} ${welcome.status} ${welcome.text}`)

  const insecure = { execute: [client.allowInsecureRequests] }
  const config = await client.discovery(new URL(origin), clientId, clientSecret, undefined, insecure)
  const [verifier, nonce, state] = [client.randomPKCECodeVerifier(), client.randomNonce(), client.randomState()]
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    nonce,
    state,
  })
  const consent = await browser.send(await browser.go('GET', url.href), { tenant, email, password: PASSWORD })
  const back = await browser.send(consent, { answer: 'allow' })
  if (!back.url.startsWith(CALLBACK)) throw new Error(`${consent.url} ${consent.status} led to ${back.url}: ${back.text}`)
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
  const tokens = await client.authorizationCodeGrant(config, new URL(back.url), checks)
  const { sub } = tokens.claims()
  const person = await client.fetchUserInfo(config, tokens.access_token, sub)

  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
  const active = await client.tokenIntrospection(config, renewed.access_token)
  await client.tokenRevocation(config, renewed.refresh_token)
  const refused = await client.refreshTokenGrant(config, renewed.refresh_token).catch((error) => error.error)
  console.log(JSON.stringify({ email: person.email, sub: active.sub === sub, active: active.active, refused }))
}

main().catch((error) => {
  console.error(error, error.cause)
  process.exit(1)
})
