/** Types of imports that are not code, as the build resolves them. */

declare module '*.css';

/** The address of the file, relative to the module that imports it. */
declare module '*.svg' {
  const url: string;
  export default url;
}
