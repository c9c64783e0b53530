/**
 * Formats figures for the page, with few enough digits to read at a glance, and writes them into its elements.
 */
const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 });

export function whole(number) {
  return WHOLE.format(number);
}

/** Events a second, with tenths only if there are few. */
export function rate(number) {
  return number > 0 && number < 10 ? TENTHS.format(number) : WHOLE.format(number);
}

export function percent(share) {
  if (share > 0 && share < 0.001) return '< 0.1 %';
  return `${share > 0 && share < 0.1 ? TENTHS.format(share * 100) : WHOLE.format(share * 100)} %`;
}

export function milliseconds(ms) {
  return ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : WHOLE.format(ms);
}

/** With the unit that makes it short. */
export function bytes(number) {
  const unit = Math.min(4, Math.floor(Math.log2(Math.max(1, number)) / 10));
  const value = number / 1024 ** unit;
  return `${(unit === 0 || value >= 100 ? WHOLE : TENTHS).format(value)} ${['B', 'KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
}

export function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Writes a figure, and stores its value in an attribute for programs that read the page. */
export function put(id, text, value = text) {
  const element = document.getElementById(id);
  if (element.textContent !== text) element.textContent = text;
  element.dataset.value = value;
}

/** Makes a part of the page readable with the arrow keys; done by script, which handles them. */
export function makeKeyed(element, label, describedBy) {
  element.tabIndex = 0;
  element.setAttribute('role', 'group');
  element.setAttribute('aria-label', label);
  element.setAttribute('aria-describedby', describedBy);
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(name, attributes = {}, children = []) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
