/** How far a long run has come, said ten times. */
export function sayTenths(what: string, total: number): (done: number) => void {
  const startMs = performance.now();
  let said = 0;
  return done => {
    const tenth = Math.floor((done * 10) / total);
    if (tenth <= said) return;
    said = tenth;
    const seconds = Math.round((performance.now() - startMs) / 1_000);
    console.log(`${what}: ${Math.floor(done)} of ${total}, after ${seconds} s`);
  };
}
