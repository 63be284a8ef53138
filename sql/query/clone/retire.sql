-- A template: lets DROP DATABASE drop a template of clones.
ALTER DATABASE @name@ IS_TEMPLATE false
