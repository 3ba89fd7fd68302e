/** What the build makes of imports that are not code. */

declare module '*.css';

/** The address that the file is served at. */
declare module '*.svg' {
  const url: string;
  export default url;
}
