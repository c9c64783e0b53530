/**
 * Recognises HTTP. A web page can make a browser send a request to any port of its machine, with whatever lines it
 * likes in the body. The headers are not JSON, but the lines behind them could be events.
 */

// A method is a token of RFC 9110, section 5.6.2. A browser writes no space within the target.
const METHOD = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const REQUEST_LINE = new RegExp(`^${METHOD} [^ ]+ HTTP/\\d\\.\\d\\r?$`);
/** The start of one with a long target: a path, or all of an address. */
const START = new RegExp(`^${METHOD} (?:/|https?:)[^ ]*(?: [HTP/.\\d]*\\r?)?$`, 'i');

/**
 * Whether the line in `bytes` from `at` to `end` is the request line of HTTP. Of a line longer than `bytesMax` only the
 * first `bytesMax + 1` bytes count, so that the verdict is the same whether its end has been received or not.
 */
export function isHttpRequest(bytes: Buffer, at: number, end: number, bytesMax: number): boolean {
  if (end - at <= bytesMax) return REQUEST_LINE.test(bytes.toString('latin1', at, end));
  return START.test(bytes.toString('latin1', at, at + bytesMax + 1));
}
