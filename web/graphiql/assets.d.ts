/** What the build makes of imports that are not code. */

declare module '*.css';

/** The address of the file, relative to the module that imports it. */
declare module '*.svg' {
  const url: string;
  export default url;
}
