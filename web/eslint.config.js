import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["kernel/", "node_modules/", "build.mjs", "eslint.config.js"] },
  ...tseslint.configs.strict,
  { rules: { "@typescript-eslint/no-non-null-assertion": "off" } }, // typed arrays are full of them
);
