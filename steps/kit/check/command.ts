export async function checkCommand(_args: string[]): Promise<void> {}
