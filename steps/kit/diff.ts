export async function diffCommand(_args: string[]): Promise<void> {}
