/**
 * Certificates for tests: a small authority, and what it signed.
 *
 * TEST KEYS, FOR LOOPBACK ONLY. The private keys below are public, so they protect nothing: never install the authority
 * anywhere, never serve one of these certificates on a network. The authority's own key was thrown away, so nothing more
 * can be signed with it. Made with openssl: EC P-256, valid from 2020 to 2120.
 */

/** A certificate and its private key, both PEM. */
export interface CertifiedKey {
  /** The certificate, PEM. */
  cert: string;
  /** Its private key, PEM (PKCS 8). */
  key: string;
}

const CA_CERT = `-----BEGIN CERTIFICATE-----
MIIBvTCCAWOgAwIBAgICEAAwCgYIKoZIzj0EAwIwQzEZMBcGA1UEAwwQcG9seXdp
cmUgdGVzdCBDQTEmMCQGA1UECgwdcG9seXdpcmUgVEVTVCBPTkxZIChsb29wYmFj
aykwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMEMxGTAXBgNVBAMM
EHBvbHl3aXJlIHRlc3QgQ0ExJjAkBgNVBAoMHXBvbHl3aXJlIFRFU1QgT05MWSAo
bG9vcGJhY2spMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7OGgDvwUIlNhn8uP
tintEosxagQdL3lwZa+/EXMmUpHTa5Ke/nRbF/X2Hnk5F6mMxVsXQ1RFaKmmEo/g
f7pOk6NFMEMwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAgQwHQYD
VR0OBBYEFPQuxzziautUIy0MsMNwHl+BMfNnMAoGCCqGSM49BAMCA0gAMEUCIGYQ
LXXBR41sIwsdZaUjJrW13b4App86INvyWH32RJqDAiEA94Pad4j6AiuoLDgBMy9P
lKM3rGf6eSUcrF2JENVgmk0=
-----END CERTIFICATE-----
`;

const SERVER: CertifiedKey = {
  cert: `-----BEGIN CERTIFICATE-----
MIICFjCCAbygAwIBAgICEAEwCgYIKoZIzj0EAwIwQzEZMBcGA1UEAwwQcG9seXdp
cmUgdGVzdCBDQTEmMCQGA1UECgwdcG9seXdpcmUgVEVTVCBPTkxZIChsb29wYmFj
aykwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMDwxEjAQBgNVBAMM
CWxvY2FsaG9zdDEmMCQGA1UECgwdcG9seXdpcmUgVEVTVCBPTkxZIChsb29wYmFj
aykwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATE6kr4MXc/lFt7QK6ZQp8tcH7f
45erkW12Kela+bDoTRAA8dzrS26N14Im+vjrW/6zlMtbLFjjmJYW4RAL9Btwo4Gk
MIGhMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeAMBMGA1UdJQQMMAoGCCsG
AQUFBwMBMCwGA1UdEQQlMCOCCWxvY2FsaG9zdIcEfwAAAYcQAAAAAAAAAAAAAAAA
AAAAATAdBgNVHQ4EFgQUB9ontKkI6oZcQrPnkohEUdzCA1AwHwYDVR0jBBgwFoAU
9C7HPOJq61QjLQyww3AeX4Ex82cwCgYIKoZIzj0EAwIDSAAwRQIhAKZXTMiUxhO3
rTvtd4Oni/KfuHzINTbIgaqt35GZU4awAiBbb2zWurGOE5dsnmdEsaKS16mqTvhH
5S/7g95ZiuXFoA==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjhwhZbos5WLFjc4o
2pcLZGgZxcJytLXGMsqnEJPcExehRANCAATE6kr4MXc/lFt7QK6ZQp8tcH7f45er
kW12Kela+bDoTRAA8dzrS26N14Im+vjrW/6zlMtbLFjjmJYW4RAL9Btw
-----END PRIVATE KEY-----
`,
};

const EXPIRED: CertifiedKey = {
  cert: `-----BEGIN CERTIFICATE-----
MIICFDCCAbqgAwIBAgICEAIwCgYIKoZIzj0EAwIwQzEZMBcGA1UEAwwQcG9seXdp
cmUgdGVzdCBDQTEmMCQGA1UECgwdcG9seXdpcmUgVEVTVCBPTkxZIChsb29wYmFj
aykwHhcNMjAwMTAxMDAwMDAwWhcNMjEwMTAxMDAwMDAwWjA8MRIwEAYDVQQDDAls
b2NhbGhvc3QxJjAkBgNVBAoMHXBvbHl3aXJlIFRFU1QgT05MWSAobG9vcGJhY2sp
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3ejleMwdpEa9JinFiKJK2LyWYTQx
u3sXx9Dnj+wh0TPZzGaet9A0N6naDqnMkNcjYN6Ira8q1tX9AjXwqcqNDaOBpDCB
oTAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAKBggrBgEF
BQcDATAsBgNVHREEJTAjgglsb2NhbGhvc3SHBH8AAAGHEAAAAAAAAAAAAAAAAAAA
AAEwHQYDVR0OBBYEFDzcxj3tFijeM7qSJKkdx0+EECAiMB8GA1UdIwQYMBaAFPQu
xzziautUIy0MsMNwHl+BMfNnMAoGCCqGSM49BAMCA0gAMEUCIQC4SZak0/GPW0+1
BoHTvr1MjlOjnnEyk7BTu7v/WJcjPwIgUJKNei2dtuMfvmj9XlCTDXRo/B4je+2O
n9S59oV2hAs=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgm1XsoxYPhuooUXDJ
erCZBT37kMXi8Zz9DBodmbrxsmyhRANCAATd6OV4zB2kRr0mKcWIokrYvJZhNDG7
exfH0OeP7CHRM9nMZp630DQ3qdoOqcyQ1yNg3oitryrW1f0CNfCpyo0N
-----END PRIVATE KEY-----
`,
};

const WRONG_HOST: CertifiedKey = {
  cert: `-----BEGIN CERTIFICATE-----
MIICBzCCAaygAwIBAgICEAMwCgYIKoZIzj0EAwIwQzEZMBcGA1UEAwwQcG9seXdp
cmUgdGVzdCBDQTEmMCQGA1UECgwdcG9seXdpcmUgVEVTVCBPTkxZIChsb29wYmFj
aykwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMEAxFjAUBgNVBAMM
DXdyb25nLmV4YW1wbGUxJjAkBgNVBAoMHXBvbHl3aXJlIFRFU1QgT05MWSAobG9v
cGJhY2spMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhb3q/ytjSXfQpn68GSp7
fLr6bp6bs3yHPjAJgJ8fwR+hPubitWQvXPFXGQCeQaoEVVyiKcyollBU1sWR8/+e
06OBkDCBjTAMBgNVHRMBAf8EAjAAMA4GA1UdDwEB/wQEAwIHgDATBgNVHSUEDDAK
BggrBgEFBQcDATAYBgNVHREEETAPgg13cm9uZy5leGFtcGxlMB0GA1UdDgQWBBQP
k3r2MGDp7lWhV8zz9x2qsGBbaTAfBgNVHSMEGDAWgBT0Lsc84mrrVCMtDLDDcB5f
gTHzZzAKBggqhkjOPQQDAgNJADBGAiEApK0kEiBElnuQEj1PUkXK41ooFQJufmYK
o/HxIahIFAICIQDF71VeFNPAX+0HrqbM0dwW/LQOYmtKHFDh8c4+uxuqcQ==
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgE7LQYuACjvBCQZoZ
px+webijdyqKzt9oXC+d4iDBYEahRANCAASFver/K2NJd9CmfrwZKnt8uvpunpuz
fIc+MAmAnx/BH6E+5uK1ZC9c8VcZAJ5BqgRVXKIpzKiWUFTWxZHz/57T
-----END PRIVATE KEY-----
`,
};

const CLIENT: CertifiedKey = {
  cert: `-----BEGIN CERTIFICATE-----
MIICADCCAaagAwIBAgICEAQwCgYIKoZIzj0EAwIwQzEZMBcGA1UEAwwQcG9seXdp
cmUgdGVzdCBDQTEmMCQGA1UECgwdcG9seXdpcmUgVEVTVCBPTkxZIChsb29wYmFj
aykwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMDgxDjAMBgNVBAMM
BWFsaWNlMSYwJAYDVQQKDB1wb2x5d2lyZSBURVNUIE9OTFkgKGxvb3BiYWNrKTBZ
MBMGByqGSM49AgEGCCqGSM49AwEHA0IABBWnPSUak9/iFO4SVRxYr+g7UtXOy+ic
P3cbivBqLgbHpGJuXr7XePay8MwkUWkrgd3WbGJhqMJyVhkDSJRsAj+jgZIwgY8w
DAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMCB4AwEwYDVR0lBAwwCgYIKwYBBQUH
AwIwGgYDVR0RBBMwEYEPYWxpY2VAbG9jYWxob3N0MB0GA1UdDgQWBBQKCXPDiMQU
s9jPizE9Fe7yH1/VMjAfBgNVHSMEGDAWgBT0Lsc84mrrVCMtDLDDcB5fgTHzZzAK
BggqhkjOPQQDAgNIADBFAiA6FRjuR+83r9sr/U/eiz5VUafkcP+W2QmrAtZGcIdP
owIhAP1OoFnEZg2kf7mwVxcIgga+/+RlxVlVCdEOb8J7X0+y
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4UilXO7hclJemnRi
TA8ZRIEdqDXaUK8ghen7ygRDpHyhRANCAAQVpz0lGpPf4hTuElUcWK/oO1LVzsvo
nD93G4rwai4Gx6Ribl6+13j2svDMJFFpK4Hd1mxiYajCclYZA0iUbAI/
-----END PRIVATE KEY-----
`,
};

/**
 * Fixed certificates for TLS tests on loopback. They protect nothing: the keys are published with this package.
 *
 * @example
 * ```ts
 * const server = await FtpServer.start({ tls: "explicit", certificate: testTls.expired });
 * const ftp = new FtpClient({ host: server.host, port: server.port, tls: { ca: testTls.ca } });
 * await ftp.connect(); // rejects with a TlsError
 * ```
 */
export const testTls = {
  /** The authority that signed all of them, PEM: what a client is told to trust. */
  ca: CA_CERT,
  /** A good one: `localhost`, `127.0.0.1` and `::1`. */
  server: SERVER,
  /** The same names, ended on 2021-01-01. */
  expired: EXPIRED,
  /** A good one for `wrong.example` only. */
  wrongHost: WRONG_HOST,
  /** A client's: CN=alice, alice@localhost. */
  client: CLIENT,
} as const;
