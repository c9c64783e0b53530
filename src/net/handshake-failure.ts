/** Why a handshake of TLS has failed, in fixed words or a code of OpenSSL: nothing that a stranger has sent is in it. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNRESET: 'it hung up',
  ERR_SSL_HTTP_REQUEST: 'it speaks HTTP without TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'its version of TLS is too old',
  ERR_SSL_NO_SHARED_CIPHER: 'it has no cipher in common with the server',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'it has no certificate',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the certificate of the server',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'it does not accept the certificate of the server',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'it does not accept the certificate of the server',
};

export const GIVEN_UP = 'too many were under way';
export const LATE = 'it was not done in time';

/** `verifyError`: what is wrong with the certificate of the client. */
export function whyFailed(code: string | undefined, verifyError: string | undefined): string {
  if (verifyError !== undefined) return `its certificate is not valid (${verifyError})`;
  return WORDS[code ?? ''] ?? code ?? 'for no known reason';
}
